"""Every operator as if on a GPU, and one of Apple's: nothing mixes devices, or asks for 64 bits."""

import copy

import pytest
import torch

from operators import LinearOperator, Rng
from tests.fakecuda import MISSING, FakeDevice, Pretend
from tests.operators.nonlinear_cases import NONLINEAR
from tests.operators.operator_cases import CASES, draw

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"torch {torch.__version__} lacks {MISSING}"),
    pytest.mark.filterwarnings("ignore"),
]


def there(operator, device):
    return copy.deepcopy(operator).to(device)


@pytest.mark.parametrize("name", CASES | NONLINEAR)
def test_operators_stay_on_their_device(name):
    operator = (CASES | NONLINEAR)[name]()
    x, y = draw(operator)
    with FakeDevice("mps"):
        gpu, x, y = there(operator, "mps"), x.to("mps"), y.to("mps")
        found = [gpu(x), gpu.vjp(x, y), gpu.support(y), gpu.picture(y)]
        if isinstance(gpu, LinearOperator):
            lam = torch.full((len(x),), 0.5, device="mps")
            found += [gpu.adjoint(y), gpu.gram(x), gpu.gram_solve(x, lam), gpu.prox(x, y, 0.5)]
            found += [gpu.posterior_sample(x, y, 0.1, 0.5, Rng(range(len(x)), "mps"))]
    assert all(isinstance(value, Pretend) for value in found)


@pytest.mark.parametrize("name", [name for name in CASES if "per sample" in name])
def test_samples_are_selected_on_the_device(name):
    operator = CASES[name]()
    x, _ = draw(operator)
    rows = torch.tensor([1, 0])
    want, part = operator.select(rows)(x[rows]), operator.select(slice(1, 2))(x[1:2])
    with FakeDevice() as fake:
        gpu, x = there(operator, "cuda"), x.to("cuda")
        some = gpu.select(rows.to("cuda"))
        assert torch.allclose(some(x[rows]).held, want, atol=1e-6) and some.double().anchor.is_cuda
        fake.notes.clear()
        one = gpu.select(slice(1, 2))
        assert not fake.notes
        assert torch.allclose(one(x[1:2]).held, part, atol=1e-6)
