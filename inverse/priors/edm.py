"""A pixel prior as `inverse train` trains it and the package ships it: EDM's, or a flow's."""

import json
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.files import write_atomic
from inverse.levels import Level
from inverse.priors.fitting import fit
from inverse.priors.labels import number_of
from inverse.priors.network import unet
from inverse.priors.parametrisation import PARAMETRISATIONS, Parametrisation, wrapped
from inverse.priors.swap import sharing

PRECISIONS = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


DEFAULTS = {
    "kind": "local",
    "channels": [48, 96, 128, 128],
    "layers": 2,
    "size": None,
    "parametrisation": "edm",
    "classes": [],
}


class EDMPrior(Prior):
    """``D(z; s) = skip z + out F(into z, time)`` at noise ``s = nsr``, ``z = x / alpha``.

    The coefficients are those of its parametrisation, `edm` or `flow`. Takes (B, 3, H, W) of any
    size (its own, where its network has attention); sides that are no multiple of 8 (2 per level
    of the network below the first) are padded by replication.

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
        super().__init__()
        self.config = DEFAULTS | (config or {})
        wrap = self.config["parametrisation"]
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        if wrap not in PARAMETRISATIONS:
            raise ValueError(f"parametrisation must be edm or flow, got {wrap!r}")
        self.precision, size = precision, self.config["size"]
        self.shape = None if size is None else (3, size, size)
        shape = {key: self.config[key] for key in ("kind", "channels", "layers", "size")}
        network = unet(**shape, classes=len(self.config["classes"]))
        self.network = network.float().to(  # in float32 whatever torch's default is
            memory_format=torch.channels_last  # pyright: ignore[reportCallIssue]
        )
        self.label = number_of(label, self.config["classes"])

    @property
    def parametrisation(self) -> Parametrisation:
        return PARAMETRISATIONS[self.config["parametrisation"]]

    def labelled(self, label: int | str | None) -> "EDMPrior":
        """The same network asked for another class, or for none; shared, not copied."""
        other = sharing(self)
        other.label = number_of(label, self.config["classes"])
        return other

    def predict(self, z: Tensor, log_nsr: Tensor, labels: Tensor | None = None) -> Tensor:
        """The raw network F, in the precision of its input z (B, 3, H, W), at log nsr.

        log nsr (B,), or for a network that is told the noise of every value, what broadcasts
        against z with 4 axes. ``labels`` (B,) are numbers of classes, their count standing for
        none; the prior's own where not given.
        """
        dtype, options, count = PRECISIONS[self.precision], {}, len(self.config["classes"])
        own = weights_dtype(self.network, z, self.precision)
        if self.config["kind"] == "stem":
            told = log_nsr.view(-1, 1, 1, 1) if log_nsr.ndim == 1 else log_nsr
            with torch.autocast(z.device.type, dtype, enabled=dtype is not None):
                return self.network(z.to(own), told.to(own)).to(z.dtype)
        if count:
            mine = count if self.label is None else self.label
            given = torch.full_like(log_nsr, mine, dtype=torch.long) if labels is None else labels
            options["class_labels"] = given
        time = self.parametrisation.time(log_nsr)
        with torch.autocast(z.device.type, dtype, enabled=dtype is not None):
            out = self.network(z.to(own), time.to(own), **options, return_dict=False)[0]
        return out.to(z.dtype)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        fit(x, 3)
        height, width = x.shape[-2:]
        multiple = 2 ** (len(self.config["channels"]) - (self.config["kind"] != "stem"))
        right, down = -width % multiple, -height % multiple

        def network(z: Tensor) -> Tensor:
            if right or down:
                z = F.pad(z, (0, right, 0, down), mode="replicate")
            return self.predict(z, x.new_full((len(x),), math.log(level.nsr)))[..., :height, :width]

        return wrapped(x, level, self.parametrisation.coefficients(level.nsr), network)


def weights_dtype(network: nn.Module, z: Tensor, precision: str) -> torch.dtype:
    """The precision that a network is fed in: that of its first weights, z's where it has none.

    A state in float64 goes through a float32 network in float32, and on in float64. Under
    autocast it is float32, whatever the weights are held in.
    """
    if PRECISIONS[precision] is not None:
        return torch.float32
    kinds = (p.dtype for p in network.parameters() if p.is_floating_point())
    return next(kinds, z.dtype)


def held(network: nn.Module, precision: str) -> None:
    """Hold the weights of convolutions and linear layers in ``precision``, to evaluate only.

    Autocast, which the network still runs under, would round the same weights anew at every call.
    """
    if (dtype := PRECISIONS[precision]) is not None:
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.to(dtype)


def save_prior(prior: EDMPrior, path: str | Path, dtype: torch.dtype = torch.float16) -> None:
    """Write configuration and weights as one safetensors file, atomically."""
    from safetensors.torch import save

    tensors = {k: v.to(dtype).contiguous() for k, v in prior.network.state_dict().items()}
    write_atomic(path, save(tensors, {"format": "pt", "edm_prior": json.dumps(prior.config)}))


def load_prior(
    path: str | Path, precision: str = "float32", label: int | str | None = None
) -> EDMPrior:
    """The prior in a file written by `save_prior`, weights in float32, ready to evaluate.

    ``label``: the class it is asked for, by number or name, of a class-conditional one.

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
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"prior weights {path} are corrupt or not a prior of `inverse train` ({reason}); "
            "copy or train them again"
        ) from error
    return prior.labelled(label).eval().requires_grad_(False)
