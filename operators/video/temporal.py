"""Video in time: any linear mixture of frames, blurs and exposures among them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs.borders import extend, known
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.video.frames import side_by_side, video_and_factor


class Temporal(SpectralOperator):
    """Mixes the frames of a video by a matrix, the same for every pixel.

    `y_s = sum_t M_st x_t`: (C, T, H, W) -> (C, S, H, W). From `M = U diag(s) V^T`, found once in
    float64; frames of the same pixel are the only values that mix, so every transform is one small
    matrix product.

    Args:
        video_shape: (C, T, H, W).
        matrix: M, (S, T).

    Raises:
        ValueError: for a matrix of another width, NaN or inf in it.
    """

    matrix: Tensor
    left: Tensor
    right: Tensor

    def __init__(self, video_shape: Sequence[int], matrix: Tensor) -> None:
        (channels, frames, *sides), _ = video_and_factor("Temporal", video_shape, 1)
        matrix = torch.as_tensor(matrix).double()
        if matrix.ndim != 2 or matrix.shape[1] != frames or not bool(matrix.isfinite().all()):
            raise ValueError(
                f"Temporal: matrix must be (S, {frames}) finite numbers for the {frames} frames "
                f"of the video, got {tuple(matrix.shape)}"
            )
        left, s, right = torch.linalg.svd(matrix, full_matrices=False)
        bound = torch.finfo(s.dtype).eps * max(matrix.shape) * s.max()
        count = len(matrix)
        super().__init__(
            (channels, frames, *sides),
            (channels, count, *sides),
            torch.where(s > bound, s, 0.0)[None, None, :, None, None],
            v_complete=count >= frames,
            u_complete=count <= frames,
        )
        self.constant("matrix", matrix)
        self.constant("left", left)
        self.constant("right", right.mT)

    def u(self, z: Tensor) -> Tensor:
        return _mixed(self.left, z)

    def ut(self, y: Tensor) -> Tensor:
        return _mixed(self.left.mT, y)

    def v(self, z: Tensor) -> Tensor:
        return _mixed(self.right, z)

    def vt(self, x: Tensor) -> Tensor:
        return _mixed(self.right.mT, x)

    def _forward(self, x: Tensor) -> Tensor:
        return _mixed(self.matrix, x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return _mixed(self.matrix.mT, y)

    def window(self, first: int, last: int) -> tuple[Temporal, list[int]]:
        """The operator on frames `first` to `last` (left out), and which frames of y it measures.

        Those are the ones that no other frame has a part in.

        Raises:
            ValueError: where there are none.
        """
        channels, _, *sides = self.in_shape
        matrix = self.exact("matrix")
        inside = (matrix[:, :first].abs().sum(1) + matrix[:, last:].abs().sum(1)) == 0
        kept = (inside & (matrix.abs().sum(1) > 0)).nonzero().flatten().tolist()
        if not kept:
            raise ValueError(
                f"Temporal: no measured frame is of frames {first} to {last - 1} alone; take "
                "longer windows"
            )
        part = matrix[kept, first:last]
        return Temporal((channels, last - first, *sides), part).to(self.anchor), kept

    def picture(self, y: Tensor) -> Tensor:
        """The frames side by side, (B, C, H, S * W)."""
        return side_by_side(y)


def _mixed(matrix: Tensor, video: Tensor) -> Tensor:
    return torch.einsum("st,bct...->bcs...", matrix, video).contiguous()


def temporal_blur(
    video_shape: Sequence[int],
    size: int = 5,
    std: float | None = None,
    padding: str = "symmetric",
) -> Temporal:
    """Blurs along time: `size` frames about each weigh in, alike or by a Gaussian of `std` frames.

    Args:
        size: odd. padding: what stands before the first and after the last frame, as for
            `blur_kernel`; with "valid" only frames are measured about which all `size` are there.

    Raises:
        ValueError: for an even size, one above T, or an unknown padding.
    """
    (_, frames, *_), size = video_and_factor("temporal_blur", video_shape, size)
    if size % 2 == 0 or size > frames:
        raise ValueError(
            f"temporal_blur: size must be odd and at most the {frames} frames of the video, "
            f"got {size}"
        )
    if std is not None and std <= 0:
        raise ValueError(f"temporal_blur: std must be positive, or null for a box, got {std}")
    away = torch.arange(size, dtype=torch.float64) - size // 2
    kernel = torch.ones_like(away) if std is None else torch.exp(-0.5 * (away / std) ** 2)
    seen = extend(
        torch.eye(frames, dtype=torch.float64)[None],
        known("temporal_blur", padding),
        (0, size // 2),
    )
    matrix = (seen[0].unfold(1, size, 1) * (kernel / kernel.sum())).sum(2).mT
    return Temporal(video_shape, matrix)


def exposure(video_shape: Sequence[int], every: int = 4, open: int | None = None) -> Temporal:
    """A slower camera: one frame for `every` frames, the mean of the first `open` of them.

    `open = every` (None) is a shutter that is always open (motion blur), 1 one that takes every
    so manieth frame as it is. Frames that do not fill one more interval are not measured.

    Raises:
        ValueError: unless `1 <= open <= every <= T`.
    """
    (_, frames, *_), every = video_and_factor("exposure", video_shape, every)
    (open,) = as_shape("exposure", "open", [every if open is None else open])
    if open > every or every > frames:
        raise ValueError(
            f"exposure: need 1 <= open <= every <= {frames} frames of the video, got open {open} "
            f"and every {every}"
        )
    place = torch.arange(frames) - every * torch.arange(frames // every)[:, None]
    return Temporal(video_shape, ((place >= 0) & (place < open)) / open)
