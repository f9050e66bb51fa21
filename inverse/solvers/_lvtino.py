"""LVTINO: latent video consistency inverse solver."""

from math import exp, log

import numpy as np
from torch import Tensor

from inverse.denoise import DataStep, Denoiser, Estimate, Prior, estimate
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


class Alternate(Denoiser):
    """A prior, and after it another at a level of its own; after each the data.

    `x = step(D(V(z)))`, `x' = step(D_p(P(alpha_c E_p(x) + sigma_c n)))`, `E(x')`; c is read off
    `PICTURES`, and below the last of `VIDEO` that has one P has no turn.

    Args:
        first, second: V and P, each with the autoencoder that it lives behind.
    """

    def __init__(
        self,
        first: tuple[Denoiser, Autoencoder],
        second: tuple[Denoiser, Autoencoder],
        step: DataStep,
    ) -> None:
        super().__init__()
        (self.first, self.outer), (self.second, self.inner) = first, second
        self.step = step

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        z0 = self.first(x, level, problem, rng).x0
        clip = self.step(self.outer.decode(z0), level, problem, rng)
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
    prior: Prior, *, video: Prior | None = None, steps: int = 5, delta: float = 1.0
) -> Sampler:
    """Few steps of two consistency models in turn, of videos and of pictures, and of the data.

    `x = step(D_v(V(z)))`, `x' = step(D_p(P(alpha_c E_p(x) + sigma_c n)))`,
    `z_b = alpha_b E_v(x') + sigma_b n'`, with n (without V also n') the same in all frames, step:
    `argmin ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)`,
    `r^2 = delta (1 - alpha_bar)`. It starts from the encoded Wiener restoration, noised. Clips
    (C, T, H, W); a picture is a clip of one frame. Linear operators; no backward pass.

    Args:
        prior: P, of pictures, which sees each frame. video: V, of clips: a `LatentPrior` over a
            video network and its autoencoder, say; None: P, frame by frame.
        steps: of V; with 5 the released times 757, 522, 375, 255, 125 of a flow, and between them
            374, 249, 124, 124 of P; other numbers lie along these.

    Reference: Spagnoletti et al., 2025, arXiv:2510.01339; the times are those of its code.
    Departures: delta is one number, where the released weights are set by hand for each task; no
    total variation for frames that are missing; a step that is exact, or by conjugate gradients
    to their tolerance, where the released one stops after a fixed number; the start is a Wiener
    restoration, not the step from black; the last data step counts, which the code drops.

    Raises:
        ValueError: for a delta or steps that are not positive.
    """
    if not (delta > 0 and steps >= 1):
        raise ValueError(f"lvtino: delta and steps must be positive, got {delta} and {steps}")
    encoded = frames_encoded(autoencoder_of(prior))
    outer = encoded if video is None else autoencoder_of(video)
    step = Prox(1 / delta, data_variance=1.0)
    denoiser = Alternate((video or Frames(prior), outer), (Frames(prior), encoded), step)
    noise = Coherent(Renoise(1), rho=float(video is None))
    start = Together(LatentWiener(outer, temperature=1.0), noise)
    process = Process(denoiser, noise, Released(steps), start=start)
    if all(isinstance(each, IdentityAutoencoder) for each in (outer, encoded)):
        return process
    return Decoded(process, outer, through=False)
