"""Pixels and blocks of pixels: identity, inpainting, block averages, grey."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from benchmarks.entries.entry import LAM, SHAPE, Entry, projected
from operators import Downsample, Greyscale, Identity, Inpaint, SpectralResponse, masks


def identity() -> Entry:
    """A copy; one weighted mean."""
    floor = {
        "forward": torch.clone,
        "adjoint": torch.clone,
        "gram_solve": lambda b: b * (1 / (1 + LAM)),
        "prox": lambda x, y: torch.lerp(x, y, 1 / (1 + LAM)),
        "pinv": torch.clone,
    }
    return Entry(Identity(SHAPE), floor, lambda physics: {"Denoising": physics.Denoising()})


def inpaint() -> Entry:
    """One multiplication; one weighted mean."""
    ours = Inpaint(SHAPE, masks.random(SHAPE, 0.3))
    mask = ours.mask
    inverse, weight = 1 / (mask + LAM), mask / (mask + LAM)
    floor = {
        "forward": lambda x: x * mask,
        "adjoint": lambda y: y * mask,
        "gram_solve": lambda b: b * inverse,
        "prox": lambda x, y: torch.lerp(x, y, weight),
        "pinv": lambda y: y * mask,
    }
    return Entry(ours, floor, lambda p: {"Inpainting": p.Inpainting(SHAPE, mask=mask[0])})


def downsample() -> Entry:
    """A strided convolution, a repetition; the solves both and one pass over the image."""
    factor = 4
    gain = 1 / factor**2
    block = torch.full((1, 1, factor, factor), gain)

    def mean(x: Tensor) -> Tensor:
        return conv2d(x.view(-1, 1, *SHAPE[1:]), block, stride=factor).view(len(x), 3, 64, 64)

    def spread(y: Tensor) -> Tensor:
        return interpolate(y, scale_factor=factor, mode="nearest")

    floor = {
        "forward": mean,
        "adjoint": lambda y: spread(y * gain),
        "gram_solve": projected(mean, lambda x, z: spread(z).add_(x), gain),
        "prox": lambda x, y: x + spread((y - mean(x)) / (1 + LAM / gain)),
        "pinv": spread,
    }

    def theirs(physics: ModuleType) -> dict[str, Any]:
        odd = torch.zeros(1, 1, 2 * factor - 1, 2 * factor - 1)  # so that its middle is a pixel
        odd[..., :factor, :factor] = block
        return {"Downsampling": physics.Downsampling(SHAPE, odd, factor)}

    return Entry(Downsample(SHAPE, factor), floor, theirs)


def greyscale() -> Entry:
    """A matrix product with one row; a multiplication."""
    weights = torch.full((1, 3), 1 / 3)
    column = weights.view(1, 3, 1, 1)
    gain = 1 / 3

    def mean(x: Tensor) -> Tensor:
        return torch.matmul(weights, x.flatten(2)).view(-1, 1, *SHAPE[1:])

    floor = {
        "forward": mean,
        "adjoint": lambda y: y * column,
        "gram_solve": projected(mean, lambda x, z: x + z, gain),
        "prox": lambda x, y: torch.addcmul(x, column, (y - mean(x)) / (gain + LAM)),
        "pinv": lambda y: y * torch.ones(3, 1, 1),
    }
    theirs = lambda physics: {"Decolorize": physics.Decolorize(srf="flat")}  # noqa: E731
    return Entry(Greyscale(SHAPE), floor, theirs)


def response() -> Entry:
    """Three channels into two bands: a small matrix product; the solves through two of them."""
    bands = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.3, 0.7]], dtype=torch.float64)
    _, s, right = torch.linalg.svd(bands, full_matrices=False)
    gain = torch.linalg.solve(bands @ bands.mT + LAM * torch.eye(2).double(), bands).mT
    matrix, thin, weight, pinv = (m.float() for m in (bands, right, gain, torch.linalg.pinv(bands)))

    def mix(m: Tensor, x: Tensor) -> Tensor:
        return (m @ x.flatten(2)).unflatten(2, SHAPE[1:])

    floor = {
        "forward": lambda x: mix(matrix, x),
        "adjoint": lambda y: mix(matrix.mT, y),
        "gram_solve": projected(
            lambda b: mix(thin, b),
            lambda x, z: x + mix(thin.mT, z),
            s.float().square().view(-1, 1, 1),
        ),
        "prox": lambda x, y: x + mix(weight, y - mix(matrix, x)),
        "pinv": lambda y: mix(pinv, y),
    }
    return Entry(SpectralResponse(SHAPE, bands), floor)
