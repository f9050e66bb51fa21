"""What every operator has, tested over all of them."""

import pickle

import pytest
import torch

from operators import Rng, SpectralOperator
from operators.core.checks import dot_test, gram_test, linear_test, pinv_test
from tests.operators.operator_cases import CASES, batch_of, close, dense, draw, matvec

DTYPES = {"f32": torch.float32, "f64": torch.float64}
LAMS = (1e-4, 1e-2, 1.0, 1e4)


@pytest.fixture(params=CASES, scope="module")
def case(request):
    return request.param


@pytest.fixture(params=DTYPES)
def operator(request, case):
    return CASES[case]().to(DTYPES[request.param])


@pytest.fixture(scope="module")
def matrix(case):
    return dense(CASES[case]())


def tol(operator, single=1e-4, double=1e-8):
    return double if operator.anchor.dtype == torch.float64 else single


def test_adjoint(operator, matrix):
    assert dot_test(operator) <= tol(operator, 1e-5, 1e-10)
    x, y = draw(operator)
    close(operator(x), matvec(matrix, x), tol(operator, 1e-5, 1e-12))
    close(operator.adjoint(y), matvec(matrix.mT, y), tol(operator, 1e-5, 1e-12))
    close(operator.gram(x), matvec(matrix.mT @ matrix, x), tol(operator, 1e-5, 1e-12))
    close(operator.T(y), operator.adjoint(y), 1e-12)
    close(operator.vjp(x, y), operator.adjoint(y), 1e-12)
    close(operator.jvp(x, x), operator(x), 1e-12)


def test_linear(operator):
    assert linear_test(operator) <= tol(operator, 1e-5, 1e-10)


def test_pinv(operator, matrix):
    pinv_test(operator)
    _, y = draw(operator)
    cut = torch.finfo(operator.anchor.dtype).eps ** 0.5
    inverse = torch.linalg.pinv(matrix, rtol=cut)
    close(operator.pinv(y), matvec(inverse, y), tol(operator, 1e-3, 1e-7))


def test_gram_solve_and_prox(operator, matrix):
    gram_test(operator)
    x, y = draw(operator)
    spread = torch.logspace(-4, 4, len(x), dtype=x.dtype)
    for lam in [*LAMS, spread]:
        lams = torch.as_tensor(lam, dtype=torch.float64).expand(len(x))[:, None, None]
        gram = matrix.mT @ matrix + lams * torch.eye(matrix.shape[2], dtype=torch.float64)
        z = torch.linalg.solve(gram, x.double().flatten(1)[..., None])[..., 0]
        close(operator.gram_solve(x, lam), z, tol(operator))
        rest = matvec(matrix.mT, y.double().flatten(1) - matvec(matrix, x))
        z = x.flatten(1) + torch.linalg.solve(gram, rest[..., None])[..., 0]
        close(operator.prox(x, y, lam), z, tol(operator))


def test_gram_solve_within_the_row_space(operator):
    """b = Aᵀ y has no null part: what rounding puts there must not come back divided by λ."""
    _, y = draw(operator)
    b, lam = operator.adjoint(y).double(), 1e-6
    z = operator.gram_solve(b.to(y), lam).double()
    error = (operator.double().gram(z) + lam * z - b).flatten(1).norm(dim=1)
    scale = (operator.norm() ** 2 + lam) * z.flatten(1).norm(dim=1) + b.flatten(1).norm(dim=1)
    assert float((error / scale).max()) <= (1e-10 if y.dtype == torch.float64 else 1e-5)


def test_prox_without_lam_is_the_projection(operator, matrix):
    x, _ = draw(operator)
    y = operator(draw(operator, 1)[0])
    z = operator.prox(x, y, 0.0)
    close(operator(z), y, tol(operator, 3e-3, 1e-7))
    null = x.double().flatten(1) - matvec(torch.linalg.pinv(matrix) @ matrix, x)
    kept = z.double().flatten(1) - matvec(torch.linalg.pinv(matrix) @ matrix, z)
    assert float((kept - null).norm()) <= tol(operator, 1e-3, 1e-7) * float(x.norm())


def test_norm(operator, matrix):
    want = float(torch.linalg.matrix_norm(matrix, 2).max())
    assert operator.norm() == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("lam", [0.3, "per sample"])
def test_gradients(case, lam):
    operator = CASES[case]().double()
    x, y = draw(operator)
    x, y = x.requires_grad_(), y.requires_grad_()
    lam = torch.linspace(0.1, 1, len(x), dtype=torch.float64) if lam == "per sample" else lam
    fast = {"fast_mode": True}
    if not isinstance(lam, float):
        assert torch.autograd.gradcheck(lambda b: operator.gram_solve(b, lam), x, **fast)
        return
    assert torch.autograd.gradcheck(operator, x, **fast)
    assert torch.autograd.gradcheck(operator.adjoint, y, **fast)
    assert torch.autograd.gradcheck(lambda b: operator.gram_solve(b, lam), x, **fast)
    assert torch.autograd.gradcheck(operator.pinv, y, **fast)
    assert torch.autograd.gradcheck(lambda a, b: operator.prox(a, b, lam), (x, y), **fast)


def test_copies_and_types(case):
    operator = CASES[case]()
    x, y = draw(operator)
    again = pickle.loads(pickle.dumps(operator))
    assert torch.equal(again(x), operator(x)) and repr(again) == repr(operator)
    there = CASES[case]().double().float()
    assert torch.equal(there(x), operator(x)) and torch.equal(there.pinv(y), operator.pinv(y))
    for given, out in ((x, operator(x)), (x, operator.gram_solve(x, 1.0)), (y, operator.pinv(y))):
        assert out.dtype == given.dtype and out.is_contiguous()


def test_samples_do_not_see_each_other(operator):
    x, y = draw(operator)
    lam = torch.logspace(-2, 2, len(x), dtype=x.dtype)
    whole = (operator(x), operator.pinv(y), operator.gram_solve(x, lam), operator.prox(x, y, lam))
    for i in range(len(x)):
        rows = slice(i, i + 1)
        one, a, b, s = operator.select(rows), x[rows], y[rows], lam[rows]
        parts = (one(a), one.pinv(b), one.gram_solve(a, s), one.prox(a, b, s))
        for full, part in zip(whole, parts, strict=True):
            close(part, full[rows], tol(operator, 1e-5, 1e-10))


def test_empty_batch(operator):
    none = operator.select(slice(0, 0))
    x, y = draw(operator, batch=0)
    assert none(x).shape == y.shape and none.adjoint(y).shape == x.shape
    assert none.pinv(y).shape == none.gram_solve(x, 0.1).shape == x.shape
    assert none.prox(x, y, torch.empty(0, dtype=x.dtype)).shape == x.shape
    assert none.prox(x, y, 0.0).shape == none.gram(x).shape == none.vjp(x, y).shape == x.shape
    assert none.posterior_sample(x, y, 0.1, 0.2, Rng([0])[:0]).shape == x.shape
    assert torch.autograd.grad(none(x.requires_grad_()), x, y)[0].shape == x.shape


def test_inputs_stay_as_they_were(operator):
    x, y = draw(operator)
    lam = torch.ones(len(x), dtype=x.dtype)
    copies = [tensor.clone() for tensor in (x, y, lam)]
    outs = [operator(x), operator.adjoint(y), operator.pinv(y), operator.gram(x)]
    outs += [operator.gram_solve(x, lam), operator.prox(x, y, lam), operator.prox(x, y, 0.0)]
    rng = Rng(range(len(x)))
    outs += [operator.posterior_sample(x, y, s, 0.2, rng) for s in (0.0, 0.1, lam)]
    outs += [operator.posterior_sample(x, y, 0.1, 0.0, rng)]
    for out in outs:
        out.zero_()  # and no answer shares memory with what was given
    for tensor, copy in zip((x, y, lam), copies, strict=True):
        assert torch.equal(tensor, copy)


def test_wrong_input_is_named(operator):
    x, y = draw(operator)
    other = torch.float32 if x.dtype == torch.float64 else torch.float64
    name, shape = type(operator).__name__, str(operator.in_shape).strip("(),")
    calls = [
        lambda: operator(x[..., 1:]),
        lambda: operator(x[0]),
        lambda: operator(x.to(other)),
        lambda: operator(x.to("meta")),
        lambda: operator([1.0]),
        lambda: operator.gram_solve(x[..., None], 1.0),
        lambda: operator.vjp(x, y[:1] if len(y) > 1 else y[:0]),
        lambda: operator.prox(x, y[:0], 1.0),
        lambda: operator.gram_solve(x, 0.0),
        lambda: operator.gram_solve(x, float("nan")),
        lambda: operator.gram_solve(x, torch.ones(len(x) + 1, dtype=x.dtype)),
        lambda: operator.prox(x, y, -1.0),
        lambda: operator.posterior_sample(x, y, -0.1, 1.0, Rng(range(len(x)))),
    ]
    for call in calls:
        with pytest.raises(ValueError) as error:
            call()
        assert name in str(error.value) and shape in str(error.value)
    with pytest.raises(ValueError):
        operator.posterior_sample(x, y, 0.1, 1.0, Rng(range(len(x) + 1)))
    if operator.batch is not None:
        with pytest.raises(ValueError, match=name):
            operator(x[:1])


def test_describe(operator):
    line = operator.describe()
    assert repr(operator) in line and "\n" not in line
    way = "closed form" if operator.closed_form else "conjugate gradients"
    assert way in line
    assert str(operator.in_shape) in repr(operator) and str(operator.out_shape) in repr(operator)


def test_support_and_measured(operator):
    x, y = draw(operator)
    clean = operator(x)
    close(operator.support(clean), clean, 1e-12)
    ones = operator.support(torch.ones_like(y)).flatten(1)
    assert torch.equal(ones.sum(1), torch.as_tensor(operator.measured).to(ones).expand(len(x)))
    close(operator.adjoint(operator.support(y)), operator.adjoint(y), 1e-6)


def test_those_that_say_that_they_measure_single_values_do(case, matrix):
    operator = CASES[case]()
    if not isinstance(operator, SpectralOperator):
        return
    full = matrix.abs() > 1e-9
    single = bool((full.sum(-1) <= 1).all() and (full.sum(-2) <= 1).all())
    for alike in (operator, operator * -2.0, operator.T):
        assert isinstance(alike, SpectralOperator) and (single or not alike.pointwise)


def test_batch_of_one(case):
    operator = CASES[case]()
    one = operator.select(slice(0, 1))
    x, y = draw(one, batch=1)
    assert batch_of(one, 1) == 1
    assert torch.isfinite(one.pinv(y)).all() and one.gram_solve(x, 1.0).shape == x.shape
