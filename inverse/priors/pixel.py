"""Pixel priors through diffusers: any `UNet2DModel` with the scheduler it was trained under."""

from pathlib import Path

import torch
from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Discrete, Level
from inverse.priors.edm import PRECISIONS

PREDICTIONS = ("epsilon", "sample", "v_prediction")


class DiffusersPrior(Prior):
    """A network on a discrete variance-preserving path as a prior on any path.

    The state is rescaled to the network's own path: ``t`` with ``nsr(t) = nsr`` (log-linear between
    timesteps), ``z = x / (alpha sqrt(1 + nsr^2))``; then, with ``a, s`` of t and output ``o``,
    ``x0 = (z - s o) / a`` (epsilon), ``o`` (sample) or ``a z - s o`` (v_prediction). Levels
    noisier than the last timestep use the last. A learned variance (twice the channels) is dropped.

    Args:
        network: called as ``network(z, t, return_dict=False)[0]`` on (B, C, H, W), t (B,) float.
        schedule: its table of betas. prediction: what it predicts. shape: (C, H, W), or None.
        precision: of the network alone: "float32", "bf16" or "fp16".
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Discrete,
        prediction: str = "epsilon",
        shape: tuple[int, ...] | None = None,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        if prediction not in PREDICTIONS:
            raise ValueError(
                f"DiffusersPrior: prediction must be one of {', '.join(PREDICTIONS)}, "
                f"got {prediction!r}"
            )
        self.network, self.schedule, self.prediction = network, schedule, prediction
        self.shape, self.precision = shape, precision

    @classmethod
    def from_pretrained(cls, path: str | Path, precision: str = "float32") -> "DiffusersPrior":
        """From a saved `DDPMPipeline` (folder or hub id): its unet and scheduler.

        Raises:
            FileNotFoundError: when it is neither a local folder nor can be fetched.
        """
        from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

        try:
            pipeline = DDPMPipeline.from_pretrained(str(path))
        except (OSError, ValueError) as error:
            raise FileNotFoundError(
                f"prior {path}: no pipeline folder there and no hub answered "
                f"({str(error).splitlines()[0]}); give a folder with unet/ and scheduler/"
            ) from error
        unet, scheduler = pipeline.unet, pipeline.scheduler
        size, channels = unet.config["sample_size"], unet.config["in_channels"]
        sides = (size, size) if isinstance(size, int) else size
        shape = None if sides is None else (channels, *sides)
        schedule = Discrete(scheduler.betas.double().tolist())
        prior = cls(unet, schedule, scheduler.config["prediction_type"], shape, precision)
        return prior.eval().requires_grad_(False)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        t = self.schedule.time(level.nsr)
        alpha, sigma = self.schedule(t)
        z = x * (1 / (level.alpha * (1 + level.nsr**2) ** 0.5))
        dtype = PRECISIONS[self.precision]
        with torch.autocast(x.device.type, dtype, enabled=dtype is not None):
            out = self.network(z, x.new_full((len(x),), t), return_dict=False)[0]
        out = out[:, : x.shape[1]].float()
        if self.prediction == "sample":
            return out
        if self.prediction == "v_prediction":
            return alpha * z - sigma * out
        return (z - sigma * out) / alpha
