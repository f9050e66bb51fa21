"""Long clips, a window of frames at a time."""

from collections.abc import Callable

import torch
from torch import Tensor


def windows(frames: int, window: int, overlap: int) -> list[tuple[int, int]]:
    """The first frame and the one after the last of windows that overlap, over a whole clip.

    They begin at 0, `window - overlap`, ... however long the clip is; the last may be shorter.

    Raises:
        ValueError: unless `0 <= overlap < window`.
    """
    if not 0 <= overlap < window:
        raise ValueError(f"windows: need 0 <= overlap < window, got {overlap} and {window}")
    last = max(frames - overlap, 1)
    return [(first, min(first + window, frames)) for first in range(0, last, window - overlap)]


def in_windows(
    restore: Callable[[int, int], Tensor | None], frames: int, window: int, overlap: int
) -> Tensor:
    """A clip (B, C, T, H, W) restored window by window, blended where they overlap.

    `x_t = sum_k w_kt x_kt / sum_k w_kt`, the weights rising from 1 at either end of a window.

    A frame depends on its windows alone: where these are the same, it is the same in a longer
    clip. Only a window is restored at a time, so that memory grows by the result alone.

    Args:
        restore: makes the frames from the first to before the last, (B, C, last - first, H, W);
            None, but of the first window, ends the clip before it.

    Raises:
        ValueError: unless `0 <= overlap < window`. Whatever `restore` raises.
    """
    spans = windows(frames, window, overlap)
    weights = torch.zeros(len(spans), frames)
    for k, (first, last) in enumerate(spans):
        steps = torch.arange(last - first)
        weights[k, first:last] = torch.minimum(steps, steps.flip(0)) + 1.0
    total, done = torch.empty(0), torch.zeros(frames)
    for share, (first, last) in zip(weights / weights.sum(0), spans, strict=True):
        part = restore(first, last)
        if part is None:
            break
        if first == 0:
            total = part.new_zeros(*part.shape[:2], frames, *part.shape[3:])
        total[:, :, first:last] += part * share[first:last].to(part)[:, None, None]
        done += share
    made = int((done > 0).sum())
    return total[:, :, :made] / done[:made].to(total)[:, None, None]
