"""Motion in clips: where each pixel was one frame before, and how to find out."""

import torch
from torch import Tensor


def sources(motion: Tensor, frames: int, height: int, width: int) -> Tensor:
    """Where each pixel was one frame before: (T, H W) indices, H W for outside the picture.

    Args:
        motion: (T, 2, H, W), rows and columns that each pixel of frame t has moved by since frame
            t - 1; that of the first frame is not used. Taken to the nearest whole pixel.

    Raises:
        ValueError: for a motion of another shape.
    """
    if tuple(motion.shape) != (frames, 2, height, width):
        raise ValueError(
            f"motion must be ({frames}, 2, {height}, {width}), rows and columns that each pixel "
            f"moved by since the frame before, got {tuple(motion.shape)}"
        )
    rows = torch.arange(height, device=motion.device)[:, None] - motion[:, 0].round().long()
    columns = torch.arange(width, device=motion.device) - motion[:, 1].round().long()
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return torch.where(inside, rows * width + columns, height * width).flatten(1)


def estimated(clip: Tensor) -> Tensor:
    """The motion (T, 2, H, W) of a clip (C, T, H, W), by scikit-image's iterative Lucas-Kanade.

    From a restoration, or the measurement where that is a clip; never from the truth. On the mean
    of the channels. The first frame's is zero.

    Raises:
        ImportError: where scikit-image is not installed.
    """
    from skimage.registration import optical_flow_ilk

    grey = clip.mean(0).cpu().numpy()
    found = [torch.zeros(2, *grey.shape[1:])]
    for before, now in zip(grey, grey[1:], strict=False):
        # where a pixel of `now` is in `before`, less its place: the motion turned round
        found.append(-torch.as_tensor(optical_flow_ilk(now, before), dtype=torch.float32))
    return torch.stack(found).to(clip.device)
