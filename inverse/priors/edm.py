"""A pixel prior as `inverse train` trains it and the package ships it: EDM's, or a flow's."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inverse.denoise import ONE_LEVEL, POINTWISE, Field, FieldPrior, Need, Unfit, errors_of
from inverse.files import write_atomic
from inverse.levels import Level
from inverse.priors.fitting import fit
from inverse.priors.labels import number_of
from inverse.priors.network import unet
from inverse.priors.networked import NetworkPrior
from inverse.priors.parametrisation import TRAINED
from inverse.priors.sketch import gate, sketch
from operators.core import first_line

DEFAULTS = {
    "kind": "local",
    "channels": [48, 96, 128, 128],
    "layers": 2,
    "size": None,
    "parametrisation": "edm",
    "classes": [],
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
            parametrisation: "edm" or "flow". classes: names of the classes that it knows.
        precision: of the network alone: "float32", "bf16" or "fp16" (autocast).
        label: the class it is asked for, by number or name; None: none in particular.

    Raises:
        ValueError: for an unknown precision, parametrisation, kind or label.
    """

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
        network = unet(**shape, classes=len(config["classes"]))
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
        raw = self.output(z * heard, log_nsr, torch.cat([drawn, heard], 1))
        return raw + (1 - heard) / out * (drawn - skip * image)

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


def save_prior(prior: EDMPrior, path: str | Path, dtype: torch.dtype = torch.float16) -> None:
    """Write configuration and weights as one safetensors file, atomically."""
    from safetensors.torch import save

    tensors = {k: v.to(dtype).contiguous() for k, v in prior.network.state_dict().items()}
    write_atomic(path, save(tensors, {"format": "pt", "edm_prior": json.dumps(prior.config)}))


def load_prior(
    path: str | Path, precision: str = "float32", label: int | str | None = None
) -> EDMPrior:
    """The prior in a file written by `save_prior`, weights in float32, ready to evaluate.

    `label`: the class it is asked for, by number or name, of a class-conditional one.

    Raises:
        FileNotFoundError, ValueError: when the file is missing, or corrupt or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"prior weights not found: {path}; give a file of `inverse train`")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        prior = EDMPrior(json.loads(metadata["edm_prior"]), precision)
        prior.network.load_state_dict(state)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        reason = first_line(error)
        raise ValueError(
            f"prior weights {path} are corrupt or not a prior of `inverse train` ({reason}); "
            "copy or train them again"
        ) from error
    prior.errors = errors_of(path)
    return prior.labelled(label).eval().requires_grad_(False)
