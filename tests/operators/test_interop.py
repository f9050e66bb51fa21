"""Our operators in scipy, pylops and deepinv, and theirs as ours."""

import sys

import numpy as np
import pytest
import torch
from scipy.sparse import random as sparse_random
from scipy.sparse.linalg import aslinearoperator, lsqr, svds

from operators import Blur, Greyscale, Inpaint, Operator, interop, kernels, masks
from operators.core.checks import dot_test, gram_test, linear_test, pinv_test
from tests.operators.operator_cases import CASES, close, dense, draw

SHAPE = (3, 6, 8)


class Square(Operator):
    """A nonlinear one."""

    def __init__(self):
        super().__init__(SHAPE, SHAPE)

    def _forward(self, x):
        return x.square()


def blur():
    return Blur(SHAPE, kernels.gaussian(3, 0.5))


def inpaint():
    return Inpaint(SHAPE, masks.random(SHAPE, 0.5, 1))


@pytest.mark.parametrize("case", CASES)
def test_as_scipy(case):
    operator = CASES[case]().double()
    flat, matrix = interop.as_scipy(operator), dense(operator)
    whole = torch.block_diag(*matrix) if operator.batch else matrix[0]
    assert flat.shape == tuple(whole.shape) and flat.dtype == np.float64
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(flat.shape[1], 2)), rng.normal(size=(flat.shape[0], 2))
    for out, want in (
        (flat @ x, whole @ x),
        (flat @ x[:, 0], whole @ x[:, 0]),
        (flat.H @ y, whole.mT @ y),
        (flat.rmatvec(y[:, :1]), whole.mT @ y[:, :1]),
    ):
        assert out.shape == tuple(want.shape)
        close(torch.tensor(out), torch.as_tensor(want), 1e-12)


@pytest.mark.parametrize("make", [blur, inpaint, lambda: Greyscale(SHAPE)])
def test_scipy_solves_to_our_pinv(make):
    operator = make().double()
    _, y = draw(operator, batch=1)
    x = lsqr(interop.as_scipy(operator), y.flatten().numpy(), atol=1e-14, btol=1e-14)[0]
    close(torch.tensor(x), operator.pinv(y), 1e-8)


def test_scipy_keeps_precision_and_finds_singular_values():
    operator = blur()
    flat = interop.as_scipy(operator)
    assert flat.dtype == np.float32 and (flat @ np.ones(flat.shape[1])).dtype == np.float32
    largest = svds(interop.as_scipy(operator.double()), k=1, return_singular_vectors=False)
    assert largest[0] == pytest.approx(operator.norm(), rel=1e-8)


def test_as_scipy_refuses_what_it_cannot():
    with pytest.raises(TypeError, match="not linear"):
        interop.as_scipy(Square())
    with pytest.raises(TypeError, match="must be real"):
        interop.as_scipy(blur()) @ np.ones(SHAPE[0] * SHAPE[1] * SHAPE[2], dtype=complex)


def _sparse():
    return sparse_random(12, 20, 0.4, random_state=np.random.default_rng(0)).tocsr()


@pytest.mark.parametrize("wrap", [lambda a: a, aslinearoperator, lambda a: a.toarray()])
def test_from_scipy(wrap):
    matrix = _sparse()
    operator = interop.from_scipy(wrap(matrix), (1, 4, 5), (12,)).double()
    x, y = draw(operator, batch=3)
    close(operator(x), x.flatten(1) @ torch.tensor(matrix.toarray()).mT, 1e-12)
    close(dense(operator)[0], torch.tensor(matrix.toarray()), 1e-12)
    for check in (dot_test, linear_test, gram_test, pinv_test):
        check(operator)
    assert torch.autograd.gradcheck(operator, x.requires_grad_(), fast_mode=True)
    assert torch.autograd.gradcheck(operator.adjoint, y.requires_grad_(), fast_mode=True)
    assert operator.pinv(y[:0]).shape == (0, 1, 4, 5)


def test_from_scipy_and_back():
    operator = blur()
    again = interop.from_scipy(interop.as_scipy(operator), SHAPE, SHAPE)
    x, y = draw(operator, batch=2)
    close(again(x), operator(x), 1e-6)
    close(again.prox(x, y, 0.1), operator.prox(x, y, 0.1), 1e-4)


def test_from_scipy_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(12, 24\), got float64 \(12, 20\)"):
        interop.from_scipy(_sparse(), (1, 4, 6), (12,))
    with pytest.raises(ValueError, match="must be real"):
        interop.from_scipy(1j * _sparse(), (1, 4, 5), (12,))


@pytest.mark.parametrize(
    ("call", "package"),
    [
        (lambda: interop.as_pylops(blur()), "pylops"),
        (lambda: interop.as_deepinv(blur()), "deepinv"),
        (lambda: interop.from_deepinv(None, SHAPE), "deepinv"),
    ],
)
def test_an_absent_package_is_named(call, package, monkeypatch):
    for name in (package, f"{package}.physics"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "operators.interop.physics", raising=False)
    with pytest.raises(ImportError, match=f"needs {package} .*interop") as error:
        call()
    assert "\n" not in str(error.value)
