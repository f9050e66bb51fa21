"""Coordinates in which the misfit of an estimate is independent noise of known spread."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from inverse.denoise import linear_operator, mixtures, restored, transformed
from inverse.denoise.needs import Need
from operators import Identity, Inpaint, LinearOperator, Problem, Rng
from operators.core import fft

PATCH, PATCHES = 8, 128  # side in pixels, and how many of them at most
PIXELWISE = Identity | Inpaint
"""What keeps or loses each pixel: flat patches tell the noise among textured ones."""
MERGED = 512  # values at most that go through every trial


class Coordinates(NamedTuple):
    """The misfit `y - A D` where its values are independent: `E power = c spread + sigma^2`.

    Attributes:
        power: what was found, the mean of so many squares. spread: variance of the error of D as
            A passes it on. weight: how many squares. Each (B, G, N), float64, of G groups that
            have a contrast c of their own.
    """

    power: Tensor
    spread: Tensor
    weight: Tensor


def coordinates(problem: Problem, x0: Tensor, r2: Tensor, faded: bool | None = None) -> Coordinates:
    """The misfit of an estimate of the image, in independent coordinates.

    Args:
        problem: whose operator meets `EVEN`.
        x0: D, (B, C, H, W). r2: variance of its error, as `ErrorSpectrum.at` gives it.
        faded: whether y is faded out towards its borders, which do not go on round them; as the
            operator has it where not given. Evidences that are compared are of one kind.

    Returns:
        on the CPU, whatever device the problem is on, in float64.
    """
    if isinstance(problem.operator, PIXELWISE):
        return _patches(problem, problem.operator.s[:, :1], x0, r2)
    operator = linear_operator(problem, "the evidence")
    faded = not _wraps(operator) if faded is None else faded
    fade = fading(*operator.out_shape[-2:]) if faded else torch.ones(1, dtype=torch.float64)
    return _frequencies(problem, operator, x0, r2, fade)


def _even(problem: Problem) -> bool:
    """Whether `A e` of a stationary e is stationary: a random y through `A R A^T`, and moved."""
    operator = problem.operator
    if isinstance(operator, Inpaint):
        return bool((operator.mask == operator.mask[:, :1]).all())
    pictures = len(operator.in_shape) == len(operator.out_shape) == 3
    if not isinstance(operator, LinearOperator) or not pictures:
        return False

    def passed(y: Tensor) -> Tensor:
        x = operator.adjoint(y)
        return operator(x + x.roll((1, 1), (-2, -1)) + x.mean(1, keepdim=True))

    batch = operator.batch or 1
    y = Rng([0] * batch).normal((batch, *operator.out_shape)).to(operator.anchor)
    there, moved = passed(y), passed(y.roll((1, 2), (-2, -1)))
    rest = there.roll((1, 2), (-2, -1)) - moved
    h, w = (n // 4 for n in y.shape[-2:])  # borders may differ
    inside = (..., slice(h, -h or None), slice(w, -w or None))
    return float(rest[inside].norm()) <= 1e-2 * float(moved[inside].norm())


EVEN = Need(
    "a blur, a resizing or a mask that is the same in all places and channels",
    _even,
    "give the noise's level and the operator",
    lambda problem: repr(problem.operator),
)


def _frequencies(
    problem: Problem, operator: LinearOperator, x0: Tensor, r2: Tensor, fade: Tensor
) -> Coordinates:
    """Along the Fourier coefficients of y, for an operator that treats all places alike.

    What does not go on round the borders is faded out towards them, or the steps there would be
    taken for sharp edges: there are as many squares as the fading leaves
    (Welch, 1967, doi:10.1109/TAU.1967.1161901).
    """
    rest = problem.residual(x0).cpu().double()
    power = transformed(rest * fade).abs().square() / fade.square().mean()
    spread = passed_on(operator, r2).clamp_min(0).expand_as(power)
    weight = weights(rest.shape, fade).expand_as(power)
    return _merged(*(v.flatten(2) for v in (power, spread, weight)))


def weights(shape: Sequence[int], fade: Tensor) -> Tensor:
    """How many squares each coefficient of the half plane of a faded y counts for."""
    weight = torch.full((*shape[-2:-1], shape[-1] // 2 + 1), 2.0, dtype=torch.float64)
    weight[..., 0] = 1.0  # of the coefficients that have no conjugate partner
    if shape[-1] % 2 == 0:
        weight[..., -1] = 1.0
    weight[0, 0] = 0.0  # the mean brightness is no noise
    return weight * (fade.square().mean() ** 2 / fade.pow(4).mean())


def _wraps(operator: LinearOperator) -> bool:
    """Whether what it does at a corner goes on at the opposite borders, as in the middle."""
    h, w = (n // 2 for n in operator.out_shape[-2:])
    corner = operator.anchor.new_zeros((operator.batch or 1, *operator.out_shape))
    corner[..., 0, 0] = 1
    there, middle = (operator(operator.adjoint(y)) for y in (corner, corner.roll((h, w), (-2, -1))))
    rest = there.roll((h, w), (-2, -1)) - middle
    return float(rest.norm()) <= 1e-3 * float(middle.norm())


def fading(*sides: int) -> Tensor:
    """1 in the middle, along a cosine to 0 over the quarters beside it: (h, w), float64."""
    lines = []
    for n in sides:
        places = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        lines.append(torch.sin(2 * torch.pi * places.minimum(1 - places).clamp_max(0.25)).square())
    return lines[0][:, None] * lines[1]


def passed_on(operator: LinearOperator, r2: Tensor) -> Tensor:
    """The spectrum of `A e`, e of spectrum r2: (1|B, c, h, w // 2 + 1), float64, on the CPU.

    The transform of `A R A^T` around y's middle. Of a mask it is as if its pixels were drawn anew.
    """
    if isinstance(operator, Inpaint):
        return r2 * float(operator.entries.mean()) ** 2
    channels, h, w = operator.out_shape
    spectra = []
    for j, mixture in enumerate(mixtures(channels).to(operator.anchor)):
        impulse = operator.anchor.new_zeros((operator.batch or 1, channels, h, w))
        impulse[..., h // 2, w // 2] = mixture
        error = restored(transformed(operator.adjoint(impulse)) * r2.to(impulse), operator.in_shape)
        seen = operator(error).roll((-(h // 2), -(w // 2)), (-2, -1))
        spectra.append(transformed(seen)[:, j].real.cpu().double() * (h * w) ** 0.5)
    return torch.stack(spectra, 1)


def _merged(power: Tensor, spread: Tensor, weight: Tensor) -> Coordinates:
    """The same, neighbours in the order of their spread merged: `MERGED` of them are left."""
    order = spread.argsort(-1)
    each = -(-order.shape[-1] // MERGED)
    more = -order.shape[-1] % each
    weight, power, spread = (
        pad(v.gather(-1, order), (0, more)).unflatten(-1, (-1, each))
        for v in (weight, weight * power, weight * spread)
    )
    total = weight.sum(-1)
    some = total.clamp_min(1e-12)
    return Coordinates(power.sum(-1) / some, spread.sum(-1) / some, total)


def _patches(problem: Problem, kept: Tensor, x0: Tensor, r2: Tensor) -> Coordinates:
    """Along the eigenvectors of the error's covariance in what was kept of each small patch.

    Its mean brightness, which is no noise, is left out. Patches count as independent of each other
    (a composite likelihood); each has a contrast of its own.
    """
    kept = kept.cpu().double().expand(len(x0), -1, *x0.shape[-2:])
    rest = problem.residual(x0).cpu().double()
    mixed = torch.einsum("ij,bjhw->bihw", mixtures(x0.shape[1]), rest)
    inside, rest = cut(kept), cut(mixed)
    flat = inside / inside.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-12)
    varied = torch.diag_embed(inside) - flat[..., :, None] * flat[..., None, :]
    lost = torch.eye(inside.shape[-1], dtype=torch.float64) - varied
    within = varied @ _covariance(r2, x0.shape)[:, None] @ varied
    values, vectors = torch.linalg.eigh(within - lost)  # what was lost has the value -1
    power = torch.einsum("bcgn,bcgnk->bcgk", rest, vectors).square()
    known = (values > -0.5).to(power)
    parts = (power * known, values.clamp_min(0), known)
    return Coordinates(*(v.flatten(1, 2) for v in parts))


def cut(x: Tensor) -> Tensor:
    """At most `PATCHES` patches, evenly spread: (B, C, H, W) -> (B, C, G, PATCH^2)."""
    side = min(PATCH, *x.shape[-2:])
    every = x.unfold(2, side, side).unfold(3, side, side).flatten(2, 3).flatten(3)
    return every[:, :, :: -(-every.shape[2] // PATCHES)]


def _covariance(r2: Tensor, shape: Sequence[int]) -> Tensor:
    """The covariance of the values of a patch of an error of spectrum r2: (C, PATCH^2, PATCH^2)."""
    side = min(PATCH, *shape[-2:])
    apart = fft.irfft2(r2.double(), shape[-2:])
    steps = torch.arange(side)
    down, across = (v.flatten() for v in torch.meshgrid(steps, steps, indexing="ij"))
    return apart[:, down[:, None] - down, across[:, None] - across]
