"""Random walks as a prior: `x_i = scale (u_1 + ... + u_i)` with independent jumps u of one law."""

import torch
from torch import Tensor

from inverse.certifying.laws import FLOAT, Law
from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors.fitting import fit_shape
from operators.core.fft import irfft, rfft

HALF = 63  # points to either side of a window's middle
POINTS = torch.arange(-HALF, HALF + 1)
LENGTH = 4 * HALF + 4  # of the transforms: no wrapped product reaches what is read
DEVIATIONS = 6.0  # of the noise that a window holds to either side


class WalkPrior(Prior):
    """The denoiser of a random walk (1, 1, d), exact up to a lattice.

    The walk is a Markov chain: `E[x0 | x]` is a sum forwards and a sum backwards over its states,
    on multiples of h, 127 of them about each value of the state, as far as its noise goes or as
    the walk itself. A jump's mass is that of its cell, so tails are exact, however far.

    Args:
        shape: (1, 1, d). reach: how far from 0 the walk goes, in jumps of unit scale; inf: nobody
            knows.

    Reference: Bohra et al., 2023, doi:10.1109/TSP.2023.3280439 (such walks as a benchmark).
    """

    def __init__(self, shape: tuple[int, ...], law: Law, scale: float, reach: float) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.law, self.scale, self.reach = law, scale, reach

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        fit_shape(x, tuple(self.shape or ()))
        z = x.flatten(1).to(FLOAT) / (level.alpha * self.scale)
        return (self._mean(z, level.nsr / self.scale) * self.scale).to(x).view_as(x)

    def _mean(self, z: Tensor, nsr: float) -> Tensor:
        """The posterior mean of the walk at z (B, d), in jumps of unit scale."""
        local = min(DEVIATIONS * nsr, self.reach)
        width = torch.tensor(local / HALF, dtype=FLOAT)
        near = DEVIATIONS * nsr < self.reach
        middle = (z.detach() / width).round() if near else torch.zeros_like(z)
        places = (middle[..., None] + POINTS) * width
        misfit = (places - z[..., None]).square() / (2 * nsr**2)
        fit = torch.exp(misfit.amin(-1, keepdim=True) - misfit)
        first = _scaled(self.law.masses(middle[:, 0] - HALF, 2 * HALF + 1, width))
        apart = middle.diff(dim=1) if near else torch.zeros(1, z.shape[1] - 1, dtype=FLOAT)
        jump = _scaled(self.law.masses(apart - 2 * HALF, 4 * HALF + 1, width))
        weight = _chain(first, fit, rfft(jump.flatten(0, 1), LENGTH).view(*apart.shape, -1))
        return (weight * places).sum(-1) / weight.sum(-1)


def _scaled(weight: Tensor) -> Tensor:
    weight = weight.clamp_min(1e-300)
    return weight / weight.amax(-1, keepdim=True)


def _chain(first: Tensor, fit: Tensor, jump: Tensor) -> Tensor:
    """Marginal weights (B, d, points) of a Markov chain, its transitions by their spectra.

    Args:
        first: of the first state, (B, points). fit: of the data to each state, (B, d, points).
        jump: transforms of the transitions between two states, (B or 1, d - 1, ...).
    """
    count = fit.shape[1]
    forward, backward = [_scaled(first * fit[:, 0])], [torch.ones_like(fit[:, 0])]
    for i in range(count - 1):
        moved = irfft(rfft(forward[-1], LENGTH) * jump[:, i], LENGTH)
        forward.append(_scaled(moved[:, 2 * HALF : 4 * HALF + 1] * fit[:, i + 1]))
    for i in reversed(range(count - 1)):
        moved = rfft(backward[-1] * fit[:, i + 1], LENGTH) * jump[:, i].conj()
        backward.append(_scaled(irfft(moved, LENGTH).roll(2 * HALF, -1)[:, : 2 * HALF + 1]))
    return torch.stack(forward, 1) * torch.stack(backward[::-1], 1)
