"""A pixel prior with EDM preconditioning: what `inverse train` trains and the package ships."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from inverse.denoise import Prior
from inverse.files import write_atomic
from inverse.levels import Level
from inverse.priors.network import local_unet

PRECISIONS = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class EDMPrior(Prior):
    """``D(z; s) = c_skip z + c_out F(c_in z, 10 log s)`` at noise ``s = nsr``, ``z = x / alpha``.

    ``c_skip = d^2 / (s^2 + d^2)``, ``c_out = s d c_in``, ``c_in = 1 / sqrt(s^2 + d^2)`` with d the
    standard deviation of images in [-1, 1]. Takes (B, 3, H, W) of any size; sides that
    are no multiple of 8 (2 per level of the network below the first) are padded by replication.

    Reference: Karras et al., 2022, arXiv:2206.00364, Table 1.

    Args:
        config: arguments of `local_unet`.
        precision: of the network alone: "float32", "bf16" or "fp16" (autocast).
    """

    sigma_data = 0.5

    def __init__(self, config: dict[str, Any] | None = None, precision: str = "float32") -> None:
        super().__init__()
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        self.config = {"channels": [48, 96, 128, 128], "layers": 2} | (config or {})
        self.network = local_unet(**self.config).to(
            memory_format=torch.channels_last  # pyright: ignore[reportCallIssue]
        )
        self.precision = precision

    def predict(self, z: Tensor, log_nsr: Tensor) -> Tensor:
        """The raw network F at ``c_in z`` (B, 3, H, W) and ``log s`` (B,), in float32."""
        dtype = PRECISIONS[self.precision]
        with torch.autocast(z.device.type, dtype, enabled=dtype is not None):
            out = self.network(z, 10 * log_nsr, return_dict=False)[0]
        return out.float()

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        height, width = x.shape[-2:]
        multiple = 2 ** (len(self.config["channels"]) - 1)
        right, down = -width % multiple, -height % multiple

        def network(z: Tensor) -> Tensor:
            if right or down:
                z = F.pad(z, (0, right, 0, down), mode="replicate")
            return self.predict(z, x.new_full((len(x),), math.log(level.nsr)))[..., :height, :width]

        return preconditioned(x, level, self.sigma_data, network)


def preconditioned(
    x: Tensor, level: Level, sigma_data: float, network: Callable[[Tensor], Tensor]
) -> Tensor:
    """``c_skip z + c_out network(c_in z)`` at ``z = x / alpha``, images of std ``sigma_data``."""
    nsr, spread = level.nsr, math.hypot(level.nsr, sigma_data)
    raw = network(x * (1 / (level.alpha * spread)))
    skip = sigma_data**2 / (spread**2 * level.alpha)
    return (x * skip).add_(raw, alpha=nsr * sigma_data / spread)


def save_prior(prior: EDMPrior, path: str | Path, dtype: torch.dtype = torch.float16) -> None:
    """Write configuration and weights as one safetensors file, atomically."""
    from safetensors.torch import save

    tensors = {k: v.to(dtype).contiguous() for k, v in prior.network.state_dict().items()}
    write_atomic(path, save(tensors, {"format": "pt", "edm_prior": json.dumps(prior.config)}))


def load_prior(path: str | Path, precision: str = "float32") -> EDMPrior:
    """The prior in a file written by `save_prior`, weights in float32, ready to evaluate.

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
    return prior.eval().requires_grad_(False)
