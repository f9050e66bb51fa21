"""Pixel priors through diffusers: its networks, with the settings of their schedulers."""

from pathlib import Path
from typing import Self

from torch import nn

from inverse.levels import Discrete
from inverse.priors.contract import check_timesteps, image_shape
from inverse.priors.hub import load_pipeline
from inverse.priors.networked import NetworkPrior
from inverse.priors.parametrisation import EDM, Scheduled, expect

TIMESTEPS = ("interpolate", "nearest")


class DiffusersPrior(NetworkPrior):
    """A network on a discrete variance-preserving path: `NetworkPrior` with `Scheduled`.

    Args:
        network, shape, precision, label, clip: as in `NetworkPrior`; a transformer's class K of K
            is "none".
        schedule: its table of betas.
        prediction: "epsilon", "sample" or "v_prediction".
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
        expect("timesteps", timesteps, TIMESTEPS)
        check_timesteps(network, timesteps)
        scheduled = Scheduled(schedule, prediction, nearest=timesteps == "nearest")
        super().__init__(network, scheduled, shape, precision, label, clip)
        self.schedule = schedule

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        precision: str = "float32",
        label: int | None = None,
        clip: bool | None = None,
        timesteps: str = "interpolate",
    ) -> Self:
        """From a saved `DDPMPipeline` or its kin (folder or hub id): its network and scheduler.

        Args:
            clip: whether x0 is cut to the scheduler's range (1); None: as the scheduler says. Its
                dynamic thresholding, a trick of sampling, is not applied.

        Raises:
            FileNotFoundError, ValueError: as `load_pipeline`, and for a scheduler without betas.
        """
        network, scheduler = load_pipeline(path)
        config = scheduler.config
        if getattr(scheduler, "betas", None) is None:
            raise ValueError(
                f"prior {path}: a {type(scheduler).__name__} has no table of betas; this adapter "
                "takes variance-preserving (DDPM-like) networks"
            )
        clips = config.get("clip_sample", False) if clip is None else clip
        prior = cls(
            network,
            Discrete(scheduler.betas.double().tolist()),
            config.get("prediction_type", "epsilon"),
            image_shape(network),
            precision,
            label,
            config.get("clip_sample_range", 1.0) if clips else None,
            timesteps,
        )
        return prior.eval().requires_grad_(False)


class PreconditionedPrior(NetworkPrior):
    """A network of EDM, told `log(nsr) / 4`: `NetworkPrior` with `EDM`.

    Equals diffusers' `EDMEulerScheduler` at its noise levels.

    Args:
        network, shape, precision, label: as in `NetworkPrior`.
        sigma_data: standard deviation of images.

    Raises:
        ValueError: for an unknown precision, or a label that the network lacks or asks for.
    """

    def __init__(
        self,
        network: nn.Module,
        sigma_data: float = 0.5,
        shape: tuple[int, ...] | None = None,
        precision: str = "float32",
        label: int | None = None,
    ) -> None:
        super().__init__(network, EDM(sigma_data, 0.25), shape, precision, label)

    @classmethod
    def from_pretrained(
        cls, path: str | Path, precision: str = "float32", label: int | None = None
    ) -> Self:
        """From a saved pipeline (folder or hub id) with an EDM scheduler.

        Raises:
            FileNotFoundError, ValueError: as `load_pipeline`, and for another kind of scheduler.
        """
        network, scheduler = load_pipeline(path)
        config = scheduler.config
        if "sigma_data" not in config or config["prediction_type"] != "epsilon":
            raise ValueError(
                f"prior {path}: {type(scheduler).__name__} with prediction "
                f"{config.get('prediction_type')} is not EDM's preconditioning"
            )
        prior = cls(network, config["sigma_data"], image_shape(network), precision, label)
        return prior.eval().requires_grad_(False)
