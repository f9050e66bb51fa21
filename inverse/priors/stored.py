"""Priors of `inverse train` in files, and the same networks informed of more."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.functional import pad

from inverse.denoise import errors_of
from inverse.files import write_atomic
from inverse.priors.edm import EDMPrior
from operators.core import first_line


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


def widened(
    prior: EDMPrior, informed: Sequence[str], precision: str = "float32", paired: bool = False
) -> EDMPrior:
    """A copy of the prior whose network is informed of measurements too, to be trained.

    The new channels have no weight at first: it estimates what the prior does, whatever it is told.

    Args:
        informed, paired: as in `EDMPrior`.

    Raises:
        ValueError: for a prior that is informed already, a network that cannot be, unknown names.
    """
    if prior.config["informed"]:
        raise ValueError(
            f"this prior is informed of {', '.join(prior.config['informed'])} already; begin with "
            "one that is not"
        )
    other = EDMPrior(prior.config | {"informed": list(informed), "paired": paired}, precision)
    state, wide = prior.network.state_dict(), other.network.state_dict()["into.weight"]
    missing = wide.shape[1] - state["into.weight"].shape[1]
    state["into.weight"] = pad(state["into.weight"], (0, 0, 0, 0, 0, missing))
    other.network.load_state_dict(state)
    return other
