"""Blurs, and what is composed of them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.entries.entry import LAM, SHAPE, Entry
from benchmarks.entries.pixels import downsample
from operators import Blur, LinearOperator, kernels


def blur(factor: float = 1.0) -> Entry:
    """An FFT, a multiplication, an inverse FFT; the prox one FFT more."""
    kernel = kernels.gaussian(9, 0.8)
    plain = Blur(SHAPE, kernel)
    h = plain.transfer * factor
    s2 = h.abs().square()
    keep, data = LAM / (s2 + LAM), (h.conj() / (s2 + LAM)).resolve_conj()

    def through(weight: Tensor) -> Callable[[Tensor], Tensor]:
        weight = weight.resolve_conj()
        return lambda x: torch.fft.irfft2(torch.fft.rfft2(x).mul_(weight), SHAPE[1:])

    def prox(x: Tensor, y: Tensor) -> Tensor:
        kept = torch.fft.rfft2(x).mul_(keep)
        return torch.fft.irfft2(kept.addcmul_(data, torch.fft.rfft2(y)), SHAPE[1:])

    floor = {
        "forward": through(h),
        "adjoint": through(h.conj()),
        "gram_solve": through(1 / (s2 + LAM)),
        "prox": prox,
        "pinv": through(h.reciprocal()),
    }
    if factor != 1:
        return Entry(factor * plain, floor)
    filters = kernel.float()[None, None]
    return Entry(
        plain,
        floor,
        lambda physics: {
            "BlurFFT": physics.BlurFFT(SHAPE, filters),
            "Blur": physics.Blur(filters, padding="circular"),
        },
    )


def composed() -> Entry:
    """The parts' floors one after the other (no closed form)."""
    inner, outer = blur(), downsample()
    floor = {
        "forward": lambda x: outer.floor["forward"](inner.floor["forward"](x)),
        "adjoint": lambda y: inner.floor["adjoint"](outer.floor["adjoint"](y)),
    }

    def theirs(physics: ModuleType) -> dict[str, Any]:
        one, other = outer.theirs(physics)["Downsampling"], inner.theirs(physics)["BlurFFT"]
        return {"Downsampling * BlurFFT": one * other}

    ours = outer.ours @ inner.ours
    assert isinstance(ours, LinearOperator)
    return Entry(ours, floor, theirs)
