"""Where to run."""

import re

import torch


def pick_device(name: str) -> str:
    """`auto` is the CUDA GPU when there is one, else the CPU; mps (Apple's) is to be asked for.

    Raises:
        ValueError: for an unknown device, or one that this machine does not have.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}")
    kind, _, number = name.partition(":")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return "cuda" if gpus else "cpu"
    if kind == "cuda" and int(number or 0) >= gpus:
        raise ValueError(
            f"device={name}: torch sees {gpus or 'no'} GPU{'s' * (gpus > 1)}; "
            "use device=cpu or device=auto"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device=mps: torch sees no GPU of Apple's; use device=cpu or device=auto")
    return name
