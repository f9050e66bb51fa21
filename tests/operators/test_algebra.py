"""A @ B, A + B, c A, A.T, stacking: against dense matrices; and what the checks catch."""

import pytest
import torch

from operators import (
    Blur,
    Downsample,
    Greyscale,
    Identity,
    Inpaint,
    LinearOperator,
    Operator,
    SpectralOperator,
    WalshHadamard,
    checks,
    kernels,
    masks,
    stack,
)
from operators.solve import cg, cgls, largest_eigenvalue
from tests.operators.operator_cases import CASES, close, dense, draw, matvec

SHAPE = (1, 4, 8)
BLUR = Blur(SHAPE, kernels.gaussian(3, 0.8))
MASK = Inpaint(SHAPE, masks.random(SHAPE, 0.5, 1))
CLOSED = {
    "multiple": (lambda: -3 * BLUR, True),
    "negative": (lambda: -BLUR, True),
    "transpose": (lambda: Downsample(SHAPE, 2).T, True),
    "multiple of a transpose": (lambda: 2 * Downsample(SHAPE, 2).T, True),
    "rows of an orthonormal transform": (lambda: WalshHadamard(SHAPE, 0.5), True),
    "unitary inside": (lambda: WalshHadamard(SHAPE, 0.5) @ Identity(SHAPE), True),
    "unitary outside": (lambda: WalshHadamard(SHAPE, 1.0) @ BLUR, True),
    "mask of a blur": (lambda: MASK @ BLUR, False),
    "sum": (lambda: BLUR + MASK, False),
    "stack": (lambda: stack([BLUR, MASK]), False),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_survive_where_they_exist(name):
    make, closed = CLOSED[name]
    operator = make()
    assert operator.closed_form is closed
    assert isinstance(operator, SpectralOperator) is closed
    assert ("closed form" in operator.describe()) is closed


@pytest.mark.parametrize("tol", [1e-1, 1e-3])
def test_a_rough_proximal_step_keeps_its_tolerance_and_takes_fewer_products(tol, monkeypatch):
    operator = stack([Blur(SHAPE, kernels.gaussian(3, 0.8)), Identity(SHAPE)]).double()
    x, y = draw(operator)
    b = operator.adjoint(y - operator(x))
    exact, products = operator.prox(x, y, 1e-3), []
    gram = operator._gram
    monkeypatch.setattr(operator, "_gram", lambda z: products.append(1) or gram(z))
    move = operator.prox(x, y, 1e-3, tol) - x
    few = len(products)
    rest = b - operator.gram(move) - 1e-3 * move
    assert bool((rest.flatten(1).norm(dim=1) <= tol * b.flatten(1).norm(dim=1)).all())
    products.clear()
    assert torch.equal(operator.prox(x, y, 1e-3), exact) and few < len(products)


@pytest.mark.parametrize("name", [name for name, (_, closed) in CLOSED.items() if closed])
def test_a_closed_form_is_as_exact_however_rough_a_solve_may_be(name):
    operator = CLOSED[name][0]()
    x, y = draw(operator)
    assert torch.equal(operator.prox(x, y, 0.1, 0.5), operator.prox(x, y, 0.1))


def test_against_matrices():
    blur, mask = dense(CASES["blur"]())[0], dense(CASES["inpaint"]())[0]
    a, b = CASES["blur"]().double(), CASES["inpaint"]().double()
    pairs = [
        (a @ b, blur @ mask),
        (b @ a, mask @ blur),
        (a + b, blur + mask),
        (a - b, blur - mask),
        (2.5 * a, 2.5 * blur),
        (a * -1, -blur),
        ((a @ b).T, mask.T @ blur.T),
        ((a + 2 * b).T, (blur + 2 * mask).T),
        (stack([a, b]), torch.cat([blur, mask])),
        (stack([a, b]).T, torch.cat([blur, mask]).T),
        (0.5 * (a @ b), 0.5 * blur @ mask),
    ]
    for operator, matrix in pairs:
        assert torch.allclose(dense(operator)[0], matrix, atol=1e-12), repr(operator)


def test_pinv_of_a_composition_is_not_the_composition_of_pinvs():
    both = CASES["composed mask"]().double()
    matrix = dense(both)[0]
    _, y = draw(both)
    right = matvec(torch.linalg.pinv(matrix)[None], y)
    close(both.pinv(y), right, 1e-8)
    wrong = both.inner.pinv(both.outer.pinv(y)).flatten(1)
    assert float((wrong - right).norm() / right.norm()) > 0.05


def test_transpose_of_a_transpose_and_split():
    assert BLUR.T.T is BLUR and MASK.T is MASK
    both = MASK @ BLUR
    assert both.T.T is both
    pair = stack([Downsample(SHAPE, 2), MASK])
    x, _ = draw(pair)
    low, kept = pair.split(pair(x))
    assert torch.equal(low, Downsample(SHAPE, 2)(x)) and torch.equal(kept, MASK(x))
    assert pair.measured == 8 + 16


def test_wrong_combinations():
    with pytest.raises(ValueError, match=r"Greyscale.*@.*Blur"):
        Greyscale((3, 4, 8)) @ BLUR
    with pytest.raises(ValueError, match="shapes must agree"):
        BLUR + Downsample(SHAPE, 2)
    with pytest.raises(ValueError, match="inputs must agree"):
        stack([BLUR, Identity((1, 2, 2))])
    with pytest.raises(ValueError, match="at least one"):
        stack([])
    with pytest.raises(TypeError, match="apply A as"):
        BLUR * torch.ones(1)
    with pytest.raises(TypeError, match="apply one as"):
        BLUR @ torch.ones(1, 1, 4, 8)
    with pytest.raises(TypeError, match="linear"):
        BLUR + 1
    with pytest.raises(ValueError, match="finite"):
        BLUR * float("inf")
    with pytest.raises(ValueError, match="dtype"):
        Identity(SHAPE).double() + BLUR
    with pytest.raises(ValueError, match="batches"):
        two = Inpaint(SHAPE, torch.ones(2, 1, 4, 8))
        Inpaint(SHAPE, torch.ones(3, 1, 4, 8)) @ two


class Square(Operator):
    def __init__(self):
        super().__init__(SHAPE, SHAPE)

    def _forward(self, x):
        return x**2


def test_nonlinear():
    x, v = draw(BLUR)
    both = BLUR @ Square()
    close(both(x), BLUR(x**2), 1e-6)
    close(both.vjp(x, v), 2 * x * BLUR.adjoint(v), 1e-5)
    assert "nonlinear" in both.describe() and not isinstance(both, LinearOperator)
    assert both.measured == 32 and (MASK @ Square()).measured == 16
    y = x.double().requires_grad_()
    square = Square().double()
    assert torch.autograd.gradcheck(lambda a: square.vjp(a, v.double()), y, fast_mode=True)


class Broken(LinearOperator):
    def __init__(self, shape, forward, adjoint):
        super().__init__(shape, shape)
        self.call, self.back = forward, adjoint

    def _forward(self, x):
        return self.call(x)

    def _adjoint(self, y):
        return self.back(y)


@pytest.mark.filterwarnings("ignore:.*conjugate gradients stopped")
def test_the_checks_find_faults():
    shift = Broken(SHAPE, lambda x: x.roll(1, 3), lambda y: y)  # a "transpose" that is none
    with pytest.raises(AssertionError, match=r"dot_test: Broken.*off by"):
        checks.dot_test(shift)
    with pytest.raises(AssertionError, match="pinv_test"):
        checks.pinv_test(shift)
    offset = Broken(SHAPE, lambda x: x + 1, lambda y: y)
    with pytest.raises(AssertionError, match="linear_test"):
        checks.linear_test(offset)
    wrong = Blur(SHAPE, kernels.gaussian(3, 0.8))
    wrong._gram_solve = lambda b, lam: b
    with pytest.raises(AssertionError, match="gram_test"):
        checks.gram_test(wrong)
    nan = Broken(SHAPE, lambda x: x * float("nan"), lambda y: y)
    with pytest.raises(AssertionError):
        checks.linear_test(nan)


def _spd(n=20, b=3):
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(b, n, n, generator=generator, dtype=torch.float64)
    return root @ root.mT + 0.5 * torch.eye(n), torch.randn(b, n, generator=generator).double()


def test_cg():
    matrix, b = _spd()
    b[1] = 0
    calls = []

    def matvec(x):
        calls.append(1)
        return (matrix @ x[..., None])[..., 0]

    x = cg(matvec, b)
    close(x, torch.linalg.solve(matrix, b[..., None])[..., 0], 1e-9)
    assert torch.equal(x[1], torch.zeros(20)) and len(calls) <= 60
    calls.clear()
    assert torch.equal(cg(matvec, torch.zeros_like(b)), torch.zeros_like(b)) and not calls
    with pytest.warns(RuntimeWarning, match="mine: conjugate gradients stopped after 3"):
        cg(matvec, b, max_iter=3, name="mine")


def test_cg_takes_no_product_after_the_last_sample_is_solved():
    calls = []
    scales = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    b = torch.ones(2, 3, dtype=torch.float64)
    assert torch.allclose(cg(lambda x: calls.append(1) or scales * x, b), b / scales)
    assert len(calls) == 3


def test_cg_samples_are_frozen():
    matrix, b = _spd()
    easy = torch.stack([torch.eye(20), matrix[1], matrix[2]])
    whole = cg(lambda x: (easy @ x[..., None])[..., 0], b)
    for i in range(3):
        one = cg(lambda x, i=i: (easy[i : i + 1] @ x[..., None])[..., 0], b[i : i + 1])
        close(one, whole[i : i + 1], 1e-12)
    assert torch.isfinite(whole).all()


def test_cgls_gives_the_solution_of_least_norm():
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(8, 12, generator=generator).double() @ torch.diag(
        (torch.arange(12) < 5).double()
    )
    y = torch.randn(3, 8, generator=generator, dtype=torch.float64)
    close(cgls(lambda x: x @ a.T, lambda r: r @ a, y), y @ torch.linalg.pinv(a).T, 1e-9)


def test_largest_eigenvalue():
    matrix, b = _spd()
    value = largest_eigenvalue(lambda x: (matrix @ x[..., None])[..., 0], b)
    close(value, torch.linalg.eigvalsh(matrix)[:, -1], 1e-9)
    zero = largest_eigenvalue(torch.zeros_like, b)
    assert torch.equal(zero, torch.zeros(3))
