"""Fourier sampling: the floors are bare FFTs and one multiplication by a precomputed weight."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.fft import fft2, fftshift, ifft2, irfft2, rfft2

from benchmarks.entries.entry import LAM, SHAPE, Entry
from operators import fourier as sampling
from operators import mri as complex_sampling


def fourier() -> Entry:
    """Real images: the solve with half of the spectrum is enough."""
    ours = sampling(SHAPE)
    weights, s2, solve = ours.kept.conj(), ours.s2, 1 / (ours.half + LAM)
    pinv, gain, stay = weights * ours.s_inv**2, weights / (s2 + LAM), LAM / (s2 + LAM)

    def back(z: Tensor) -> Tensor:
        return ifft2(z, norm="ortho").real.contiguous()

    floor = {
        "forward": lambda x: torch.view_as_real(fft2(x, norm="ortho") * ours.kept),
        "adjoint": lambda y: back(torch.view_as_complex(y) * weights),
        "gram_solve": lambda b: irfft2(rfft2(b) * solve, b.shape[2:]),
        "prox": lambda x, y: back(fft2(x, norm="ortho") * stay + torch.view_as_complex(y) * gain),
        "pinv": lambda y: back(torch.view_as_complex(y) * pinv),
    }
    return Entry(ours, floor)


def mri() -> Entry:
    """One coil, pairs of channels as complex numbers; deepinv has frequency zero in the middle."""
    ours = complex_sampling((2, *SHAPE[1:]))
    weights, s2 = ours.kept.conj(), ours.s2
    solve, gain, stay = 1 / (s2 + LAM), weights / (s2 + LAM), LAM / (s2 + LAM)

    def spectrum(x: Tensor) -> Tensor:
        return fft2(torch.complex(x[:, :1], x[:, 1:]), norm="ortho")

    def back(z: Tensor) -> Tensor:
        return torch.view_as_real(ifft2(z, norm="ortho"))[:, 0].movedim(3, 1).contiguous()

    def adjoint(y: Tensor) -> Tensor:
        return back(torch.view_as_complex(y) * weights)

    def lift(y: Tensor) -> Tensor:
        return fftshift(y[:, 0].movedim(3, 1), (2, 3)).contiguous()

    def theirs(physics: ModuleType) -> dict[str, Any]:
        mask = fftshift(ours.s, (2, 3)).expand(1, 2, -1, -1)
        return {"MRI": physics.MRI(mask=mask, img_size=(1, 2, *SHAPE[1:]))}

    floor = {
        "forward": lambda x: torch.view_as_real(spectrum(x) * ours.kept),
        "adjoint": adjoint,
        "gram_solve": lambda b: back(spectrum(b) * solve),
        "prox": lambda x, y: back(spectrum(x) * stay + torch.view_as_complex(y) * gain),
        "pinv": adjoint,
    }
    return Entry(ours, floor, theirs, lift)
