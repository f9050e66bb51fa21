"""Pixel priors through diffusers: any network on a table of betas, with its settings."""

import math
from pathlib import Path

from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Discrete, Level
from inverse.priors.contract import ask, check_label, check_timesteps, clean, expect, image_shape
from inverse.priors.edm import PRECISIONS
from inverse.priors.hub import load_pipeline

PREDICTIONS = ("epsilon", "sample", "v_prediction")
TIMESTEPS = ("interpolate", "nearest")


class DiffusersPrior(Prior):
    """A network on a discrete variance-preserving path as a prior on any path.

    The state is rescaled to the network's own path: ``t`` with ``nsr(t) = nsr`` (log-linear between
    timesteps), ``z = x / sqrt(alpha^2 + sigma^2)``; then, with ``a, s`` of t and output ``o``,
    ``x0 = (z - s o) / a`` (epsilon), ``o`` (sample) or ``a z - s o`` (v_prediction). Levels
    noisier than the last timestep use the last. A learned variance (twice the channels) is dropped.

    Args:
        network: called as ``network(z, t, return_dict=False)[0]`` on (B, C, H, W), t (B,) float,
            with ``class_labels`` (B,) where there is a label.
        schedule: its table of betas. prediction: what it predicts. shape: (C, H, W), or None.
        precision: of the network alone: "float32", "bf16" or "fp16".
        label: the class it is asked for; a transformer's class K of K is "none".
        clip: x0 is cut to [-clip, clip]; None: not at all.
        timesteps: between two timesteps, "interpolate" gives the network the fractional one, which
            is exact where the network is smooth in t; "nearest" rounds it, which moves x0 by up to
            0.23 % (RMS; a mixture's exact noise prediction on DDPM's 1000 linear betas).

    Raises:
        ValueError: for an unknown choice, or a label that the network lacks or asks for.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Discrete,
        prediction: str = "epsilon",
        shape: tuple[int, ...] | None = None,
        precision: str = "float32",
        label: int | None = None,
        clip: float | None = None,
        timesteps: str = "interpolate",
    ) -> None:
        super().__init__()
        expect("prediction", prediction, PREDICTIONS)
        expect("precision", precision, tuple(PRECISIONS))
        expect("timesteps", timesteps, TIMESTEPS)
        if prediction == "epsilon" and schedule(math.inf).alpha == 0:
            raise ValueError(
                "DiffusersPrior: an epsilon network says nothing of x0 at the last, purely noisy "
                "timestep of this table; such tables need prediction v_prediction or sample"
            )
        check_label(network, label)
        check_timesteps(network, timesteps)
        self.network, self.schedule, self.prediction = network, schedule, prediction
        self.shape, self.precision = shape, precision
        self.label, self.clip, self.timesteps = label, clip, timesteps

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        precision: str = "float32",
        label: int | None = None,
        clip: bool | None = None,
        timesteps: str = "interpolate",
    ) -> "DiffusersPrior":
        """From a saved `DDPMPipeline` or its kin (folder or hub id): its network and scheduler.

        Args:
            clip: whether x0 is cut to the scheduler's range (1); None: as the scheduler says. Its
                dynamic thresholding, a trick of sampling, is not applied.

        Raises:
            FileNotFoundError, ValueError: as `load_pipeline`, and for a scheduler without betas.
        """
        network, scheduler = load_pipeline(path)
        config = scheduler.config
        kind = config.get("prediction_type", "epsilon")
        if getattr(scheduler, "betas", None) is None:
            raise ValueError(
                f"prior {path}: a {type(scheduler).__name__} has no table of betas; this adapter "
                "takes variance-preserving (DDPM-like) networks"
            )
        clips = config.get("clip_sample", False) if clip is None else clip
        prior = cls(
            network,
            Discrete(scheduler.betas.double().tolist()),
            kind,
            image_shape(network),
            precision,
            label,
            config.get("clip_sample_range", 1.0) if clips else None,
            timesteps,
        )
        return prior.eval().requires_grad_(False)

    def labelled(self, label: int | None) -> "DiffusersPrior":
        """The same network asked for another class; shared, not copied."""
        return DiffusersPrior(
            self.network, self.schedule, self.prediction, self.shape, self.precision,
            label, self.clip, self.timesteps,
        ).train(self.training)  # fmt: skip

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        t = self.schedule.time(level.nsr)
        t = float(round(t)) if self.timesteps == "nearest" else t
        z = x * (1 / math.hypot(*level))
        out = ask(self.network, z, t, self.label, self.precision)
        out = clean(out, z, self.schedule(t), self.prediction)
        return out if self.clip is None else out.clamp(-self.clip, self.clip)
