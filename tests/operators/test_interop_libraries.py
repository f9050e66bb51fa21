"""Against pylops and deepinv themselves; skipped where they are not installed."""

import copy
import pickle

import numpy as np
import pytest
import torch

from operators import Blur, Inpaint, Operator, interop, kernels, masks
from operators.core.checks import dot_test, gram_test, linear_test, pinv_test
from tests.operators.operator_cases import CASES, close, draw

SHAPE = (3, 8, 10)


class Square(Operator):
    """A nonlinear one."""

    def __init__(self):
        super().__init__(SHAPE, SHAPE)

    def _forward(self, x):
        return x.square()


def blur():
    return Blur(SHAPE, kernels.gaussian(3, 0.6))


def inpaint():
    return Inpaint(SHAPE, masks.random(SHAPE, 0.5, 1))


@pytest.fixture
def pylops():
    return pytest.importorskip("pylops", reason="pylops is not installed")


@pytest.fixture
def deepinv():
    return pytest.importorskip("deepinv", reason="deepinv is not installed")


@pytest.fixture(params=["blur", "blur channels", "inpaint", "downsample", "composed", "stacked"])
def operator(request):
    return CASES[request.param]().double()


# --- pylops ---------------------------------------------------------------------------------
@pytest.mark.parametrize("case", CASES)
def test_as_pylops_passes_its_dot_test(pylops, case):
    operator = CASES[case]().double()
    theirs = interop.as_pylops(operator)
    assert pylops.utils.dottest(theirs, rtol=1e-10)
    x, _ = draw(operator, batch=operator.batch or 1)
    image = x.numpy() if operator.batch else x[0].numpy()
    out = theirs @ image
    assert out.shape == tuple(theirs.dimsd)
    close(torch.tensor(out), operator(x), 1e-12)


def test_pylops_cgls_solves_to_our_pinv(pylops, operator):
    _, y = draw(operator, batch=1)
    theirs = interop.as_pylops(operator)
    start = np.zeros(theirs.shape[1])
    x = pylops.optimization.basic.cgls(theirs, y.flatten().numpy(), start, niter=500, tol=1e-20)[0]
    close(torch.tensor(x), operator.pinv(y), 1e-6)


def test_from_scipy_takes_pylops(pylops):
    theirs = pylops.FirstDerivative((6, 5), axis=0, dtype="float64")
    operator = interop.from_scipy(theirs, (1, 6, 5), (1, 6, 5)).double()
    x, _ = draw(operator, batch=2)
    close(operator(x)[1], torch.tensor(theirs @ x[1, 0].numpy()), 1e-12)
    for check in (dot_test, linear_test, gram_test):
        check(operator)


# --- ours in deepinv ------------------------------------------------------------------------
@pytest.mark.parametrize("case", CASES)
def test_as_deepinv_is_our_operator(deepinv, case):
    operator = CASES[case]().double()
    physics = interop.as_deepinv(operator)
    x, y = draw(operator)
    for out, want in (
        (physics(x), operator(x)),
        (physics.A_adjoint(y), operator.adjoint(y)),
        (physics.A_adjoint_A(x), operator.gram(x)),
        (physics.A_vjp(x, y), operator.adjoint(y)),
        (physics.A_dagger(y), operator.pinv(y)),
        (physics.prox_l2(x, y, 2.0), operator.prox(x, y, 0.5)),
    ):
        assert torch.equal(out, want)
    images = len(x) if operator.batch else 2
    assert physics.adjointness_test(u=x, num_samples=images) < 1e-10


def test_their_solvers_give_our_answers(deepinv, operator):
    """Their iterations see only A and A_adjoint: so gamma and the pseudo-inverse mean the same."""
    x, y = draw(operator, batch=2)
    ours = interop.as_deepinv(operator)
    base = deepinv.physics.LinearPhysics
    tight = {"solver": "CG", "max_iter": 500, "tol": 1e-12}
    for gamma in (0.1, 1.0, 30.0):
        close(base.prox_l2(ours, x, y, gamma, **tight), ours.prox_l2(x, y, gamma), 1e-4)
    iterative = base.A_dagger(ours, operator(x), **(tight | {"solver": "lsqr"}))
    close(iterative, ours.A_dagger(operator(x)), 1e-3)


def test_prox_l2_takes_what_theirs_takes(deepinv):
    operator, theirs = _same_blur(deepinv)
    ours = interop.as_deepinv(operator)
    x, y = draw(operator, batch=3)
    gammas = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    for z in (x, 0.3, None):
        whole = x if z is x else torch.full_like(x, z or 0.0)
        close(ours.prox_l2(z, y, 0.7), theirs.prox_l2(whole, y, 0.7), 1e-10)
    for gamma in (torch.tensor(0.7), gammas, gammas.view(3, 1, 1, 1)):
        parts = [
            theirs.prox_l2(x[i : i + 1], y[i : i + 1], float(g))
            for i, g in enumerate(gamma.expand(3) if gamma.ndim == 0 else gamma.flatten())
        ]
        close(ours.prox_l2(x, y, gamma), torch.cat(parts), 1e-6)


def _same_blur(deepinv):
    kernel = kernels.motion(5, 3).double()
    theirs = deepinv.physics.BlurFFT(img_size=SHAPE, filter=kernel[None, None]).double()
    return Blur(SHAPE, kernel).double(), theirs


def test_their_blur_is_our_blur(deepinv):
    operator, theirs = _same_blur(deepinv)
    x, y = draw(operator, batch=2)
    close(operator(x), theirs.A(x), 1e-6)
    close(operator.adjoint(y), theirs.A_adjoint(y), 1e-6)
    close(operator.prox(x, y, 1 / 3.0), theirs.prox_l2(x, y, 3.0), 1e-6)


@pytest.mark.parametrize("make", [blur, inpaint])
@pytest.mark.parametrize("method", ["ADMM", "DRS", "PGD"])
def test_their_optimiser_with_a_prior_runs_on_ours(deepinv, make, method):
    """½ ‖A x − y‖² + λ/2 ‖x‖² has the minimiser (AᵀA + λ)⁻¹ Aᵀ y."""
    operator, lam = make().double(), 0.3
    _, y = draw(operator, batch=2)
    optim = deepinv.optim
    solver = getattr(optim, method)(
        data_fidelity=optim.L2(),
        prior=optim.Tikhonov(),
        lambda_reg=lam,
        stepsize=0.5,
        max_iter=400,
        early_stop=False,
    )
    x = solver(y, interop.as_deepinv(operator))
    close(x, operator.gram_solve(operator.adjoint(y), lam), 1e-6)


def test_as_deepinv_with_noise_copies_and_types(deepinv):
    physics = interop.as_deepinv(blur())
    x, _ = draw(blur(), batch=2)
    physics.set_noise_model(deepinv.physics.GaussianNoise(0.1))
    noise = physics(x) - physics.A(x)
    assert 0.05 < float(noise.std()) < 0.2
    again = physics.clone()
    assert torch.equal(again.A(x), physics.A(x))
    assert torch.equal(pickle.loads(pickle.dumps(physics.operator))(x), physics.A(x))
    assert copy.deepcopy(physics).double().A(x.double()).dtype == torch.float64


def test_nonlinear_both_ways(deepinv):
    physics = interop.as_deepinv(Square())
    assert not isinstance(physics, deepinv.physics.LinearPhysics)
    x, v = draw(Square())
    assert torch.equal(physics.A(x), x.square())
    close(physics.A_vjp(x, v), 2 * x * v, 1e-6)
    back = interop.from_deepinv(physics, SHAPE)
    assert torch.equal(back(x), x.square())
    close(back.vjp(x, v), 2 * x * v, 1e-6)


# --- theirs as ours -------------------------------------------------------------------------
def test_from_deepinv(deepinv):
    generator = torch.Generator().manual_seed(0)
    p = deepinv.physics
    kernel = torch.rand(1, 1, 3, 3, generator=generator)
    for physics in (
        p.Blur(filter=kernel, padding="valid"),
        p.Downsampling(img_size=SHAPE, filter="gaussian", factor=2),
        p.CompressedSensing(m=12, img_size=SHAPE, rng=generator),
        p.Decolorize(),
    ):
        operator = interop.from_deepinv(physics, SHAPE)
        x, y = draw(operator, batch=2)
        assert torch.equal(operator(x), physics.A(x))
        assert torch.equal(operator.adjoint(y), physics.A_adjoint(y))
        dot_test(operator)
        linear_test(operator)


def test_from_deepinv_solves_by_our_means(deepinv):
    ours, theirs = _same_blur(deepinv)
    operator = interop.from_deepinv(theirs, SHAPE)
    assert operator.anchor.dtype == torch.float64
    x, y = draw(operator, batch=2)
    gram_test(operator, tol=1e-6)
    close(operator.gram_solve(x, 0.1), ours.gram_solve(x, 0.1), 1e-6)
    close(operator.prox(x, y, 0.1), ours.prox(x, y, 0.1), 1e-6)
    pinv_test(interop.from_deepinv(interop.as_deepinv(inpaint().double()), SHAPE))


def test_from_deepinv_refuses_what_it_cannot(deepinv):
    with pytest.raises(TypeError, match="needs a deepinv Physics, got Blur"):
        interop.from_deepinv(blur(), SHAPE)
    several = deepinv.physics.Decolorize().stack(deepinv.physics.Decolorize())
    with pytest.raises(ValueError, match="one real tensor per image"):
        interop.from_deepinv(several, SHAPE)
    with pytest.raises(ValueError, match="image_shape"):
        interop.from_deepinv(deepinv.physics.Decolorize(), (3, 0, 8))
