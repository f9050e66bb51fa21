"""What every nonlinear operator has, tested over all of them."""

import pickle

import pytest
import torch

from operators import Gaussian, LinearOperator, Rng, measure
from operators.core.checks import vjp_test
from tests.operators.nonlinear_cases import NONLINEAR, SMOOTH, picture
from tests.operators.operator_cases import close

DTYPES = {"f32": torch.float32, "f64": torch.float64}


@pytest.fixture(params=NONLINEAR, scope="module")
def case(request):
    return request.param


@pytest.fixture(params=DTYPES)
def operator(request, case):
    return NONLINEAR[case]().to(DTYPES[request.param])


def test_shapes_and_types(operator):
    x, v = picture(operator)
    y = operator(x)
    assert y.shape == v.shape and y.dtype == x.dtype and y.is_contiguous()
    assert operator.vjp(x, v).shape == x.shape and torch.isfinite(y).all()
    assert not isinstance(operator, LinearOperator)
    other = picture(operator, 1)[0]
    assert not torch.allclose(operator(x + other) + operator(0 * x), y + operator(other), atol=1e-3)


def test_vjp_is_autograd_s(operator):
    x, v = picture(operator)
    leaf = x.clone().requires_grad_()
    (want,) = torch.autograd.grad(operator(leaf), leaf, v)
    close(operator.vjp(x, v), want, 1e-12 if x.dtype == torch.float64 else 1e-5)
    with torch.no_grad():
        close(operator.vjp(x, v), want, 1e-12 if x.dtype == torch.float64 else 1e-5)
    assert not operator.vjp(x, v).isnan().any()


def test_jvp_is_the_transpose_of_vjp(case, operator):
    """Also where rounding counts as the identity. Networks are differenced."""
    x, v = picture(operator)
    w = picture(operator, 1)[0]
    forth, back = operator.jvp(x, w), operator.vjp(x, v)
    assert forth.shape == v.shape and not forth.requires_grad
    tol = 1e-3 if "module" in case else 1e-10 if x.dtype == torch.float64 else 1e-4
    close((forth * v).flatten(1).sum(1), (w * back).flatten(1).sum(1), tol)


@pytest.mark.parametrize("name", SMOOTH)
def test_vjp_against_differences(name):
    operator = SMOOTH[name]()
    assert vjp_test(operator.double()) <= 1e-6
    vjp_test(operator.float(), tol=0.05)  # clipping has kinks
    operator.double()
    x, _ = picture(operator, 1)
    assert torch.autograd.gradcheck(operator, x.requires_grad_(), fast_mode=True)


def test_the_check_finds_a_wrong_vjp():
    operator = NONLINEAR["gamma"]()
    right = operator._vjp
    operator._vjp = lambda x, v: 1.1 * right(x, v)
    with pytest.raises(AssertionError, match="vjp_test: Gamma"):
        vjp_test(operator)


def test_samples_do_not_see_each_other(operator):
    x, v = picture(operator)
    y, back = operator(x), operator.vjp(x, v)
    for i in range(len(x)):
        rows = slice(i, i + 1)
        one = operator.select(rows)
        close(one(x[rows]), y[rows], 1e-12 if x.dtype == torch.float64 else 1e-6)
        close(one.vjp(x[rows], v[rows]), back[rows], 1e-12 if x.dtype == torch.float64 else 1e-5)


def test_batches_of_none_and_one(operator):
    for batch in (0, 1):
        part = operator.select(slice(0, batch))
        x, v = picture(part, batch=batch)
        assert part(x).shape == v.shape and part.vjp(x, v).shape == x.shape


def test_inputs_stay_as_they_were(operator):
    x, v = picture(operator)
    copies = x.clone(), v.clone()
    for out in (operator(x), operator.vjp(x, v), operator.picture(v).clone()):
        out.zero_()  # and no answer shares memory with what was given
    assert torch.equal(x, copies[0]) and torch.equal(v, copies[1])


def test_copies_and_types(case):
    operator = NONLINEAR[case]()
    x, _ = picture(operator)
    again = pickle.loads(pickle.dumps(operator))
    assert torch.equal(again(x), operator(x)) and repr(again) == repr(operator)
    there = NONLINEAR[case]().double().float()
    assert torch.equal(there(x), operator(x))
    assert there.to("meta").anchor.device.type == "meta"


def test_wrong_input_is_named(operator):
    x, v = picture(operator)
    other = torch.float32 if x.dtype == torch.float64 else torch.float64
    name, shape = type(operator).__name__, str(operator.in_shape).strip("(),")
    calls = [
        lambda: operator(x[..., 1:]),
        lambda: operator(x[0]),
        lambda: operator(x.to(other)),
        lambda: operator(x.to("meta")),
        lambda: operator([1.0]),
        lambda: operator.vjp(x, v[:1]),
        lambda: operator.vjp(x, v[..., 1:]),
        lambda: operator.vjp(x[..., None], v),
    ]
    for call in calls:
        with pytest.raises(ValueError) as error:
            call()
        assert name in str(error.value) and shape in str(error.value)
    if operator.batch is not None:
        with pytest.raises(ValueError, match=name):
            operator(x[:1])


def test_describe(operator):
    line = operator.describe()
    assert repr(operator) in line and "\n" not in line and "nonlinear" in line
    assert str(operator.in_shape) in repr(operator) and str(operator.out_shape) in repr(operator)


def test_support_measured_and_picture(operator):
    x, v = picture(operator)
    y = operator(x)
    assert torch.equal(operator.support(y), y)
    ones = operator.support(torch.ones_like(v)).flatten(1)
    assert torch.equal(ones.sum(1), torch.as_tensor(operator.measured).to(ones).expand(len(x)))
    shown = operator.picture(y)
    assert shown.ndim == 4 and shown.shape[0] == len(y) and torch.isfinite(shown).all()


def test_problems(case):
    operator = NONLINEAR[case]()
    x, _ = picture(operator)
    problem = measure(operator, Gaussian([0.05, 0.1, 0.2]), x, Rng([0, 1, 2]))
    off = problem.relative_residual(x) - 1  # its standard deviation is 1 / sqrt(2 m)
    assert (off.abs() < 4 / (2 * torch.as_tensor(problem.measured)) ** 0.5).all()
    assert problem.rms_residual(x).shape == (3,)
    assert torch.allclose(problem[1:2].nll(x[1:2]), problem.nll(x)[1:2], rtol=1e-4)
    white = problem.whitened()
    assert torch.allclose(white.nll(x), problem.nll(x), rtol=1e-4)
