"""The prior of a latent diffusion or flow model, with its prompt and its guidance."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inverse.denoise import MASK, Cue, Prior, Unfit, lost
from inverse.levels import Discrete, Flow, Level
from inverse.priors.autoencoder import Autoencoder
from inverse.priors.latent.calls import call_of, channels, extra, takes_guidance
from inverse.priors.latent.condition import Condition
from inverse.priors.parametrisation import clean, expect
from inverse.priors.swap import sharing
from operators import Problem

PREDICTIONS = ("epsilon", "sample", "v_prediction", "flow")
FIX = "choose operator=inpaint_..., and solver=informed or nested_latent"
SIGMA_DATA, TIMESTEP_SCALING = 0.5, 10.0  # of every latent consistency model released


class LatentPrior(Prior):
    """A network of latents as a prior on any path: `E[z0 | z]`, states (B, c, h, w).

    The state is rescaled to the network's own path at the same noise-to-signal ratio (timesteps
    interpolated), its output made a z0 as `priors.parametrisation.clean` says. Guidance w is
    `o = o_negative + w (o_prompt - o_negative)` of the outputs o, which is the same of z0: with
    w other than 1 the network runs on 2 B states, counted as one call. Networks into which
    guidance was distilled (LCM, Flux-dev) are told w instead. A consistency model's z0 is
    `c_skip z + c_out z0`, `c_skip = d^2 / (s^2 + d^2)`, `c_out = s / sqrt(s^2 + d^2)`,
    s = 10 t, d = 0.5.

    Images go in and out by `encode` and `decode`. A solver that is not made for latents is, where
    it takes any operator, by `inverse.samplers.decoded(solver(prior), prior)`.

    A network that inpaints takes five channels more, where the picture is lost and the latents of
    what is left, and is `Informed(prior, prior.cue)`.

    Reference: Rombach et al., 2022, arXiv:2112.10752; Podell et al., 2023, arXiv:2307.01952;
    Esser et al., 2024, arXiv:2403.03206; Luo et al., 2023, arXiv:2310.04378 (consistency); Ho and
    Salimans, 2022, arXiv:2207.12598, eq. 6 (guidance).

    Args:
        network: one of diffusers' that `inverse.priors.latent.calls` knows; its dtype is kept.
        schedule: `Discrete` with its betas, or `Flow()`. prediction: what it predicts.
        autoencoder: E and D. prompt, negative: encoded; None for a network without any.
        guidance: w; 1 leaves the negative prompt aside.
        consistency: whether it is a consistency model.

    Raises:
        ValueError: for an unknown network or prediction, an epsilon network on a table that ends
            in pure noise, a negative guidance, or a prompt that is missing.
    """

    told: Tensor | None = None
    """What a network that inpaints is told, (B, extra, h, w)."""

    def __init__(
        self,
        network: nn.Module,
        schedule: Discrete | Flow,
        prediction: str,
        autoencoder: Autoencoder,
        prompt: Condition | None = None,
        negative: Condition | None = None,
        guidance: float = 1.0,
        consistency: bool = False,
    ) -> None:
        super().__init__()
        expect("prediction", prediction, PREDICTIONS)
        self.call, self.network, self.autoencoder = call_of(network), network, autoencoder
        self.extra = extra(network)
        self.schedule: Discrete | Flow = schedule
        self.prediction, self.guidance, self.consistency = prediction, guidance, consistency
        self.guided = guidance != 1 and not takes_guidance(network)
        if (prediction == "flow") != isinstance(schedule, Flow):
            raise ValueError("LatentPrior: prediction flow belongs to schedule Flow, only to it")
        if prediction == "epsilon" and schedule(math.inf).alpha == 0:
            raise ValueError("LatentPrior: epsilon tells no z0 where betas end in pure noise")
        self._keep(prompt, negative)

    def _keep(self, prompt: Condition | None, negative: Condition | None) -> None:
        kind = type(self.network).__name__
        if (prompt is None) != (kind == "UNet2DModel"):
            raise ValueError(f"LatentPrior: a {kind} takes {'no' if prompt else 'a'} prompt")
        if self.guided and (self.guidance < 0 or prompt is None or negative is None):
            raise ValueError(
                "LatentPrior: guidance must be 0 or more, with a prompt and a negative prompt, "
                f"got {self.guidance}"
            )
        for name, given in (("prompt", prompt), ("negative", negative)):
            for part, value in zip(Condition._fields, given or (None, None), strict=True):
                self.register_buffer(f"{name}_{part}", value, persistent=False)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        prompt: str = "",
        negative: str = "",
        guidance: float | None = None,
        precision: str = "float32",
        tile: int | None = None,
    ) -> "LatentPrior":
        """From a saved latent pipeline (folder or hub id): see `inverse.priors.latent.loading`."""
        from inverse.priors.latent.loading import load

        return load(path, prompt, negative, guidance, precision, tile)

    def prompted(
        self, prompt: Condition, negative: Condition | None = None, guidance: float | None = None
    ) -> "LatentPrior":
        """The same networks, shared, with another prompt; the negative one and w stay if None."""
        guidance = self.guidance if guidance is None else guidance
        return LatentPrior(
            self.network, self.schedule, self.prediction, self.autoencoder, prompt,
            negative or self._condition("negative"), guidance, self.consistency,
        ).train(self.training)  # fmt: skip  # pyright: ignore[reportArgumentType]

    @property
    def cue(self) -> Cue:
        """What a network that inpaints is told of a measurement, as its pipeline has it.

        Where a mask loses the picture (1, of the nearest pixel), and the latents of the picture
        with grey there.
        """
        needs = frozenset({MASK._replace(fix=FIX)})
        return Cue(self._seen, self.extra, needs)

    def informed(self, told: Tensor) -> "LatentPrior":
        """The same networks, shared, told `told` (B, extra, h, w) beside every state."""
        other = sharing(self)
        other.told = told
        return other

    def _seen(self, problem: Problem) -> Tensor:
        hole = lost(problem)
        latents = self.encode(problem.y * (1 - hole))
        return torch.cat([F.interpolate(hole, latents.shape[-2:]), latents], 1)

    def encode(self, x: Tensor) -> Tensor:
        """Latents (B, c, h, w) of images (B, 3, H, W) in [-1, 1]."""
        return self.autoencoder.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        """Images (B, 3, H, W), about in [-1, 1], of latents (B, c, h, w)."""
        return self.autoencoder.decode(z)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        if x.shape[1] != channels(self.network):
            raise ValueError(
                f"LatentPrior: states must be latents (B, {channels(self.network)}, h, w), got "
                f"{tuple(x.shape)}; run a solver of images by inverse.samplers.decoded(it, prior)"
            )
        t = self.schedule.time(level.nsr)
        own = self.schedule(t)
        z = x * (math.hypot(*own) / math.hypot(*level))
        skip, out = clean(self.prediction, own)
        x0 = (z * skip).add_(self._output(z, t), alpha=out)
        return self._consistent(x0, z, t) if self.consistency else x0

    def _output(self, z: Tensor, t: float) -> Tensor:
        if isinstance(self.schedule, Flow):
            t = 1000 * t
        prompt = self._condition("prompt")
        if not self.guided:
            return self._ask(z, t, prompt)
        negative = self._condition("negative")
        assert prompt is not None and negative is not None
        both = negative.beside(prompt, len(z))
        free, known = self._ask(torch.cat([z, z]), t, both).chunk(2)
        return torch.lerp(free, known, self.guidance)

    def _ask(self, z: Tensor, t: float, condition: Condition | None) -> Tensor:
        dtype = next(self.network.parameters()).dtype
        factor = self.autoencoder.factor
        pixels = (z.shape[-2] * factor, z.shape[-1] * factor)
        if self.extra:
            z = torch.cat([z, *self._beside(len(z))], 1)
        out = self.call(self.network, z.to(dtype), t, condition, self.guidance, pixels)
        return out.to(z.dtype)

    def _beside(self, count: int) -> list[Tensor]:
        if self.told is None:
            raise Unfit(
                "LatentPrior: this network inpaints and was told nothing; restore with "
                "Informed(prior, prior.cue), or prior=latent"
            )
        return [self.told.repeat(count // len(self.told), 1, 1, 1)]

    def _consistent(self, x0: Tensor, z: Tensor, t: float) -> Tensor:
        spread = math.hypot(TIMESTEP_SCALING * t, SIGMA_DATA)
        return (SIGMA_DATA / spread) ** 2 * z + (TIMESTEP_SCALING * t / spread) * x0

    def _condition(self, name: str) -> Condition | None:
        hidden = getattr(self, f"{name}_hidden")
        return None if hidden is None else Condition(hidden, getattr(self, f"{name}_pooled"))
