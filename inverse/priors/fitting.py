"""What images a network takes, asked before it is run: torch would fail deep inside it."""

from torch import Tensor

from inverse.denoise import Unfit


def fit(x: Tensor, channels: int | None, multiple: int = 1) -> None:
    """Raise `Unfit` unless x (B, C, H, W) has these channels and sides (None: any channels)."""
    shape = tuple(x.shape[1:])
    if channels is not None and shape[0] != channels:
        raise Unfit(
            f"the prior's network takes images of {channels} channel{'s' * (channels > 1)}, got "
            f"{shape}; give such images, take a prior of {shape[0]}, or each channel by itself "
            "(prior.grey=true, inverse.priors.Channels)"
        )
    if any(side % multiple for side in shape[1:]):
        raise Unfit(
            f"the prior's network takes sides that are multiples of {multiple}, got {shape}; "
            "resize or crop the image (size=), or take tiles (prior.tile=) of such a side"
        )


def fit_shape(x: Tensor, shape: tuple[int, ...]) -> None:
    """Raise `Unfit` unless x (B, C, H, W) is of images of this shape (C, H, W) and no other."""
    if tuple(x.shape[1:]) != shape:
        raise Unfit(
            f"the prior is bound to images of {shape}, got {tuple(x.shape[1:])}; give such images, "
            "or make the prior for theirs"
        )
