"""A pixel prior as `inverse train` trains it and the package ships it: EDM's, or a flow's."""

from typing import Any, Self

import torch
from torch import Tensor

from inverse.denoise import (
    ONE_LEVEL,
    POINTWISE,
    Field,
    FieldPrior,
    Need,
    Unfit,
    cue,
)
from inverse.levels import Level
from inverse.priors.fitting import fit
from inverse.priors.labels import number_of
from inverse.priors.network import unet
from inverse.priors.networked import NetworkPrior
from inverse.priors.parametrisation import TRAINED
from inverse.priors.sketch import gate, sketch
from inverse.priors.swap import sharing

DEFAULTS = {
    "kind": "local",
    "channels": [48, 96, 128, 128],
    "layers": 2,
    "size": None,
    "parametrisation": "edm",
    "classes": [],
    "informed": [],
    "paired": False,
}


LOW, HIGH = 0.002, 80.0
"""The noise-to-signal ratios between which a network is told the noise of a value."""


class EDMPrior(NetworkPrior, FieldPrior):
    """A `NetworkPrior` that `inverse train` makes, in a parametrisation of `TRAINED`.

    One of `kind` "stem" is told the noise of every value, of a `Field` of pixels: each has the
    coefficients of its own level. What is known (0) stays; what is unknown (inf) is 0 to the
    network, told 80.

    Takes (B, 3, H, W) of any size (its own, where its network has attention); sides that are no
    multiple of 8 (2 per level of the network below the first) are padded by replication.

    Args:
        config: of `DEFAULTS`. kind, channels, layers, size: of its network, see `unet`.
            parametrisation: "edm" or "flow". classes: names of the classes that it knows. informed:
            names of `CUES` of a measurement, which it is told too (`Informed`). paired: what the
            first of them, `wiener`, lacks is its picture.
        precision: of the network alone: "float32", "bf16" or "fp16" (autocast).
        label: the class it is asked for, by number or name; None: none in particular.

    Raises:
        ValueError: for an unknown precision, parametrisation, kind or label.
    """

    told: Tensor | None = None
    """What the network is told of a measurement, (B, extra, H, W)."""

    def __init__(
        self,
        config: dict[str, Any] | None = None,
        precision: str = "float32",
        label: int | str | None = None,
    ) -> None:
        self.config = config = DEFAULTS | (config or {})
        if config["parametrisation"] not in TRAINED:
            raise ValueError(
                f"parametrisation must be edm or flow, got {config['parametrisation']!r}"
            )
        size = config["size"]
        shape = {key: config[key] for key in ("kind", "channels", "layers", "size")}
        self.extra = cue(config["informed"]).channels if config["informed"] else 0
        if config["paired"] and config["informed"][:1] != ["wiener"]:
            raise ValueError(
                f"a paired network is informed of wiener first, got {config['informed']}"
            )
        network = unet(**shape, classes=len(config["classes"]), extra=self.extra)
        network = network.float()  # whatever torch's default is
        if config["kind"] != "stem":
            network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        super().__init__(
            network,
            TRAINED[config["parametrisation"]],
            None if size is None else (3, size, size),
            precision,
            label,
            multiple=2 ** (len(config["channels"]) - (config["kind"] != "stem")),
        )
        self.channels = 3

    def informed(self, told: Tensor) -> Self:
        """The same network, shared, told `told` (B, extra, H, W) beside every state.

        Raises:
            Unfit: for other channels than it is informed by.
        """
        if told.shape[1] != self.extra:
            raise Unfit(
                f"this network is informed of measurements by {self.extra} channels, "
                f"got {tuple(told.shape)}"
            )
        other = sharing(self)
        other.told = told
        return other

    def predict(self, z: Tensor, log_nsr: Tensor, labels: Tensor | None = None) -> Tensor:
        """The raw network F, in the precision of its input z (B, 3, H, W), at log nsr.

        log nsr (B,), or for a network that is told the noise of every value, what broadcasts
        against z with 4 axes. `labels` (B,) are numbers of classes, their count standing for
        none; the prior's own where not given, and unheeded where it knows no classes.
        """
        if self.config["kind"] == "stem":
            return self._uneven(z, log_nsr.view(-1, 1, 1, 1) if log_nsr.ndim == 1 else log_nsr)
        known = labels if self.config["classes"] else None
        return self.output(z, self.parametrisation.condition(log_nsr), known)

    def _uneven(self, z: Tensor, log_nsr: Tensor) -> Tensor:
        """The raw network beside a sketch of the image.

        A convolution cannot leave values out by what it is told of their noise. So those that say
        little among their neighbours (`gate`) come in as nearly 0, and there F is the sketch and an
        output of its own; where the noise is even, nothing changes.
        """
        skip, out, into = self.parametrisation.coefficients(Level(1.0, log_nsr.exp()))  # pyright: ignore[reportArgumentType]
        variance = (2 * log_nsr).exp().expand_as(z)
        image = z / into
        drawn, heard = sketch(image, variance), gate(variance)
        raw = self.output(z * heard, log_nsr, torch.cat([drawn, heard, *self._told(z)], 1))
        return raw + (1 - heard) / out * (drawn - skip * image)

    def _told(self, z: Tensor) -> list[Tensor]:
        """What the network is told, padded as z; nothing, where it is informed of nothing.

        Raises:
            Unfit: for a network that should be told something and is not.
        """
        if self.told is not None:
            return [self._padded(self.told.to(z))]
        if self.extra:
            raise Unfit(
                f"this network, informed of measurements by {self.config['informed']}, was told "
                "nothing; restore with Informed(prior, cue(...)), or prior=file"
            )
        return []

    @property
    def coordinates(self) -> Need:
        return POINTWISE if self.config["kind"] == "stem" else ONE_LEVEL

    def restore(self, z: Tensor, field: Field) -> Tensor:
        """The estimate (B, 3, H, W) of z whose pixels have the noise of `field`.

        Raises:
            Unfit: for a network that is told one level, and for other coordinates than pixels.
        """
        if self.coordinates is ONE_LEVEL:
            raise Unfit(
                f"EDMPrior of kind {self.config['kind']} is told one level; {ONE_LEVEL.fix}"
            )
        fit(z, self.channels)
        nsr = field.pixels(z)
        z, nsr = z.where(nsr.isfinite(), 0.0), nsr.clamp(max=HIGH)
        skip, out, into = self.parametrisation.coefficients(Level(1.0, nsr))  # pyright: ignore[reportArgumentType]
        told = self._padded(nsr.clamp(min=LOW).log())
        raw = self.predict(self._padded(z * into), told)
        return skip * z + out * raw[..., : z.shape[-2], : z.shape[-1]]

    def _raw(self, z: Tensor, log_nsr: float) -> Tensor:
        return self.predict(z, z.new_full((len(z),), log_nsr))

    def _number(self, label: int | str | None) -> int | None:
        classes = self.config["classes"]
        number = number_of(label, classes)
        return len(classes) if classes and number is None else number
