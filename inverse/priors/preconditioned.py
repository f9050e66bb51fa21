"""EDM networks through diffusers: preconditioned, and told the logarithm of the noise."""

import math
from pathlib import Path

from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors.contract import ask, check_label, expect, image_shape
from inverse.priors.edm import PRECISIONS
from inverse.priors.hub import load_pipeline
from inverse.priors.parametrisation import edm, wrapped


class PreconditionedPrior(Prior):
    """``D(z; s) = c_skip z + c_out F(c_in z, log(s) / 4)`` at noise ``s = nsr``, ``z = x / alpha``.

    ``c_skip = d^2 / (s^2 + d^2)``, ``c_out = s d c_in``, ``c_in = 1 / sqrt(s^2 + d^2)``, d the
    standard deviation of images. Equals diffusers' `EDMEulerScheduler` at its noise levels.

    Reference: Karras et al., 2022, arXiv:2206.00364, Table 1.

    Args:
        network: called as ``network(c_in z, t, return_dict=False)[0]``, with ``class_labels`` (B,)
            where there is a label. sigma_data: d. shape: (C, H, W), or None.
        precision: of the network alone: "float32", "bf16" or "fp16". label: its class.

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
        super().__init__()
        expect("precision", precision, tuple(PRECISIONS))
        check_label(network, label)
        self.network, self.sigma_data, self.shape = network, sigma_data, shape
        self.precision, self.label = precision, label

    @classmethod
    def from_pretrained(
        cls, path: str | Path, precision: str = "float32", label: int | None = None
    ) -> "PreconditionedPrior":
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

    def labelled(self, label: int | None) -> "PreconditionedPrior":
        """The same network asked for another class; shared, not copied."""
        return PreconditionedPrior(
            self.network, self.sigma_data, self.shape, self.precision, label
        ).train(self.training)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        def network(z: Tensor) -> Tensor:
            return ask(self.network, z, math.log(level.nsr) / 4, self.label, self.precision)

        return wrapped(x, level, edm(level.nsr, self.sigma_data), network)
