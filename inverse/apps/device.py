"""Where to run."""

import torch


def pick_device(name: str) -> str:
    """``auto`` is the GPU when there is one.

    Raises:
        ValueError: for an unknown device, or cuda where there is none.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device=cuda: torch sees no GPU; use device=cpu or device=auto")
    return name
