"""State dicts from files, without ever running what a file says."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from operators.core import first_line

NESTED = ("ema", "model_ema", "state_dict", "model")
"""Under which names training scripts keep the weights; averaged ones first."""


def load_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file or a PyTorch state dict, in float32, on the CPU.

    PyTorch files are read with `weights_only=True`: no object but tensors and plain containers is
    ever made. A state dict may lie under "ema", "model_ema", "state_dict" or "model" (the first
    found is taken), its names may all start with "module.".

    Raises:
        FileNotFoundError: for a missing file.
        ValueError: for one that holds other objects, is corrupt, or holds no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {path}: no such file")
    content = _safetensors(path) if path.suffix == ".safetensors" else _pickle(path)
    inner = next((content[name] for name in NESTED if _is_state(content.get(name))), content)
    if not _is_state(inner):
        raise ValueError(
            f"checkpoint {path} holds no state dict (names -> tensors), neither at the top nor "
            f"under {', '.join(NESTED)}; save one by torch.save(network.state_dict(), FILE)"
        )
    whole = all(name.startswith("module.") for name in inner)
    return {name[7 * whole :]: tensor.float() for name, tensor in inner.items()}


def below(state: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of a network, found under whatever all of its names start with ("model.").

    Args:
        names: of its own tensors, those that tell it; where several starts have them all, the
            shortest is taken, and where none has, nothing is left aside.
    """
    first = names[0]
    starts = sorted({key[: -len(first)] for key in state if key.endswith(first)}, key=len)
    start = next((s for s in starts if {s + name for name in names} <= set(state)), "")
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}


def _is_state(content: Any) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items())
    )


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"checkpoint {path} is corrupt ({error})") from error


def _pickle(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"checkpoint {path} holds Python objects beside tensors, or is corrupt; making them "
            "could run code of the file's author, so it is not loaded: where you trust it, load "
            "it yourself and torch.save(network.state_dict(), FILE)"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        reason = first_line(error)
        raise ValueError(f"checkpoint {path} is corrupt ({reason})") from error
    return content if isinstance(content, dict) else {}
