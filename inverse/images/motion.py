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


def estimated(clip: Tensor, span: int = 1) -> Tensor:
    """The motion (T, 2, H, W) of a clip (C, T, H, W), by scikit-image's TV-L1.

    From a restoration, or the measurement where that is a clip; never from the truth. On the mean
    of the channels. The first frame's is zero.

    Args:
        span: frames from one picture to the next that is compared with it; the motion between is
            taken for even. Where `span` frames in a row were measured as one, each less tells
            nothing.

    Raises:
        ValueError: for a span that is not in 1..T - 1.
        ImportError: where scikit-image is not installed.
    """
    from skimage.registration import optical_flow_tvl1

    grey = clip.mean(0).cpu().numpy()
    last = len(grey) - 1
    if not 1 <= span <= last:
        raise ValueError(f"estimated: span must be in 1..{last} for {last + 1} frames, got {span}")
    # where a pixel of a frame is in an earlier one, less its place: the motion turned round
    found = [
        -torch.as_tensor(optical_flow_tvl1(grey[t + span], grey[t]), dtype=torch.float32) / span
        for t in range(last + 1 - span)
    ]
    middles = [min(max(t - 1 - (span - 1) // 2, 0), last - span) for t in range(1, last + 1)]
    moved = [torch.zeros_like(found[0]), *(found[t] for t in middles)]
    return torch.stack(moved).to(clip.device)
