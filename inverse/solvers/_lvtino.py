"""LVTINO: latent video consistency inverse solver."""

from math import exp, log, sqrt

import numpy as np
import torch
from torch import Tensor

from inverse.denoise import (
    LINEAR,
    DataStep,
    Denoiser,
    Estimate,
    Prior,
    estimate,
    linear_operator,
    matched_variance,
    noise_variance,
)
from inverse.levels import CLEAN, Discrete, Flow, Level
from inverse.priors import Frames, frames_encoded
from inverse.priors.autoencoder import Autoencoder, IdentityAutoencoder, autoencoder_of
from inverse.samplers import Decoded, LatentWiener, Process, Sampler
from inverse.starts import Start
from inverse.steps import Prox
from inverse.transitions import Coherent, Renoise
from operators import Problem, Rng

VIDEO = [Flow()(t).nsr for t in (0.757, 0.522, 0.375, 0.255, 0.125)]
PICTURES = [Discrete.scaled_linear()(t).nsr for t in (374, 249, 124, 124)]
LOOKS = 200  # at the dual of a total variation, as many as the released iterations


class Released:
    """The walk of LVTINO's video prior, `steps` levels along the five released ones."""

    def __init__(self, steps: int) -> None:
        places = np.linspace(0, len(VIDEO) - 1, steps)
        nsrs = np.exp(np.interp(places, range(len(VIDEO)), np.log(VIDEO)))
        self.levels = tuple(Flow().at(float(nsr)) for nsr in nsrs)

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        first = start or self.levels[0]
        return (first, *(level for level in self.levels if level.nsr < first.nsr), CLEAN)


class Together(Start):
    """A start whose noise the frames of a clip share as `noise` has it."""

    def __init__(self, start: Start, noise: Coherent) -> None:
        self.start, self.noise, self.requires = start, noise, start.requires

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        return self.start(problem, self.noise.draws(rng), level)


class Steady(DataStep):
    """The clip that fits the estimate and the data best, with a total variation over time.

    `argmin_x ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)
    + tv sum_t ||x_t - x_{t-1}||_1`, `r^2 = (1 - alpha_bar) delta`: still, but for jumps.

    By `LOOKS` accelerated gradients on its dual, q in [-tv, tv] for each change:
    `x(q) = prox(x0 - r^2 D^T q)`, `q' = clip(p + D x(p) / (4 r^2))`.

    Reference: Beck and Teboulle, 2009, doi:10.1109/TIP.2009.2028250 (there for images).
    """

    requires = frozenset({LINEAR})

    def __init__(self, tv: float, delta: float) -> None:
        self.tv, self.delta = tv, delta

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Steady")
        variance = matched_variance(level, 1.0) * self.delta
        weight = noise_variance(problem) / variance
        if x0.ndim == 4:  # a picture, which does not change
            return operator.prox(x0, problem.y, weight)

        def pulled(q: Tensor) -> Tensor:
            ends = torch.zeros_like(q[:, :, :1])
            spread = torch.cat([ends, q], 2) - torch.cat([q, ends], 2)
            return operator.prox(x0 - variance * spread, problem.y, weight)

        q = p = torch.zeros_like(x0[:, :, 1:])
        speed = 1.0
        for _ in range(LOOKS):
            ahead = p + pulled(p).diff(dim=2) / (4 * variance)
            last, q = q, ahead.clamp_(-self.tv, self.tv)
            speed, before = (1 + sqrt(1 + 4 * speed**2)) / 2, speed
            p = torch.lerp(last, q, 1 + (before - 1) / speed)
        return pulled(q)


class Alternate(Denoiser):
    """A prior, and after it another at a level of its own; after each the data.

    `x = step_v(D(V(z)))`, `x' = step_p(D_p(P(alpha_c E_p(x) + sigma_c n)))`, `E(x')`; c is read off
    `PICTURES`, and below the last of `VIDEO` that has one P has no turn.

    Args:
        first, second: V and P, each with the autoencoder that it lives behind, and its step.
    """

    def __init__(
        self,
        first: tuple[Denoiser, Autoencoder, DataStep],
        second: tuple[Denoiser, Autoencoder, DataStep],
    ) -> None:
        super().__init__()
        self.first, self.outer, self.smooth = first
        self.second, self.inner, self.step = second

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        z0 = self.first(x, level, problem, rng).x0
        clip = self.smooth(self.outer.decode(z0), level, problem, rng)
        if level.nsr > VIDEO[len(PICTURES) - 1] * (1 - 1e-6):
            c = self._between(level)
            z = self.inner.encode(clip) * c.alpha
            z = z.add_(Coherent(Renoise(1)).draws(rng).normal(z.shape), alpha=c.sigma)
            z0 = self.second(z, c, problem, rng).x0
            clip = self.step(self.inner.decode(z0), c, problem, rng)
        return estimate(x, self.outer.encode(clip), level)

    def _between(self, level: Level) -> Level:
        known = np.log(VIDEO[: len(PICTURES)])[::-1]
        nsr = exp(np.interp(log(level.nsr), known, np.log(PICTURES)[::-1]))
        return Discrete.scaled_linear().at(nsr)


def lvtino(
    prior: Prior,
    *,
    video: Prior | None = None,
    steps: int = 5,
    delta: float = 1.0,
    tv: float = 0.0,
) -> Sampler:
    """Few steps of two consistency models in turn, of videos and of pictures, and of the data.

    `x = step(D_v(V(z)))`, `x' = step(D_p(P(alpha_c E_p(x) + sigma_c n)))`,
    `z_b = alpha_b E_v(x') + sigma_b n'`, with n (without V also n') the same in all frames, step:
    `argmin ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)`,
    `r^2 = delta (1 - alpha_bar)`. It starts from the encoded Wiener restoration, noised. Clips
    (C, T, H, W); a picture is a clip of one frame. Linear operators; no backward pass. Where frames
    are missing, `tv` has the step after V add `tv sum_t ||x_t - x_{t-1}||_1` to what it minimises.

    Args:
        prior: P, of pictures, which sees each frame. video: V, of clips: a `LatentPrior` over a
            video network and its autoencoder, say; None: P, frame by frame.
        steps: of V; with 5 the released times 757, 522, 375, 255, 125 of a flow, and between them
            374, 249, 124, 124 of P; other numbers lie along these.

    Reference: Spagnoletti et al., 2025, arXiv:2510.01339; the times are those of its code.
    Departures: delta is one number, where the released weights are set by hand for each task; a
    step that is exact, or by conjugate gradients to their tolerance, where the released one stops
    after a fixed number; with tv (released: `0.00029 / sigma_y^2`, for frames that are missing) x0
    keeps its pull, where the released step begins at x0 and leaves it out, and has 19 conjugate
    gradients after P; the start is a Wiener restoration, not the step from black; the last data
    step counts, which the code drops.

    Raises:
        ValueError: for a delta or steps that are not positive, or a negative tv.
    """
    if not (delta > 0 and steps >= 1 and tv >= 0):
        raise ValueError(
            "lvtino: delta and steps must be positive and tv not negative, got "
            f"{delta}, {steps} and {tv}"
        )
    encoded = frames_encoded(autoencoder_of(prior))
    outer = encoded if video is None else autoencoder_of(video)
    step = Prox(1 / delta, data_variance=1.0)
    first = video or Frames(prior), outer, Steady(tv, delta) if tv else step
    denoiser = Alternate(first, (Frames(prior), encoded, step))
    noise = Coherent(Renoise(1), rho=float(video is None))
    start = Together(LatentWiener(outer, temperature=1.0), noise)
    process = Process(denoiser, noise, Released(steps), start=start)
    if all(isinstance(each, IdentityAutoencoder) for each in (outer, encoded)):
        return process
    return Decoded(process, outer, through=False)
