"""3 x 3 convolutions by Winograd's filtering beside plain ones."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.backends import nnpack

from inverse.priors import winograd
from inverse.priors.winograd import Conv3x3

SHAPES = [(1, 16, 8, 8), (3, 24, 13, 10), (2, 5, 1, 3)]


@pytest.fixture(autouse=True)
def _by_nnpack(monkeypatch: pytest.MonkeyPatch) -> None:
    if not nnpack.is_available():
        pytest.skip("NNPACK does not run on this processor")
    monkeypatch.setattr(winograd, "_fits", lambda: True)
    monkeypatch.setattr(winograd, "FEW", torch.get_num_threads())


def _drawn(shape: tuple[int, ...]) -> tuple[Conv3x3, Tensor]:
    torch.manual_seed(0)
    return Conv3x3(shape[1], 7), torch.randn(shape, requires_grad=True)


def _exact(conv: Conv3x3, x: Tensor) -> Tensor:
    assert conv.bias is not None
    return F.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_a_plain_convolutions(shape: tuple[int, ...]):
    conv, x = _drawn(shape)
    y, exact = conv(x), _exact(conv, x)
    assert torch.allclose(y.double(), exact, atol=2e-5 * float(exact.detach().abs().max()))
    leaves, weights = (x, *conv.parameters()), torch.randn_like(y)
    got = torch.autograd.grad(y, leaves, weights)
    for one, other in zip(got, torch.autograd.grad(exact, leaves, weights.double()), strict=True):
        assert torch.allclose(one, other, atol=2e-5 * float(other.abs().max()))


def test_second_derivatives_are_a_plain_convolutions():
    conv, x = _drawn((1, 6, 9, 9))

    def bent(y: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0].double()

    exact = bent(_exact(conv, x))
    assert torch.allclose(bent(conv(x)), exact, atol=1e-4 * float(exact.abs().max()))


def test_any_layout_in_memory_gives_the_same_values():
    conv, x = _drawn((2, 8, 12, 12))
    turned = x.detach().contiguous(memory_format=torch.channels_last)
    assert torch.equal(conv(turned), conv(x))
    assert torch.equal(conv.to(memory_format=torch.channels_last)(x), conv(x))  # pyright: ignore[reportCallIssue]


def test_other_numbers_than_float32_take_torchs_own_way():
    conv, x = _drawn((1, 8, 8, 8))
    assert conv.double()(x.double()).dtype == torch.float64


def test_it_is_switched_off_as_torchs_own_use_of_nnpack_is():
    conv, x = _drawn((1, 16, 24, 24))
    with nnpack.flags(enabled=False):
        plain = conv(x)
    assert torch.equal(plain, F.conv2d(x, conv.weight, conv.bias, padding=1))
    assert not torch.equal(plain, conv(x))


def test_more_threads_than_it_can_use_take_torchs_own_way(monkeypatch: pytest.MonkeyPatch):
    conv, x = _drawn((1, 16, 24, 24))
    monkeypatch.setattr(winograd, "FEW", torch.get_num_threads() - 1)
    assert torch.equal(conv(x), F.conv2d(x, conv.weight, conv.bias, padding=1))
