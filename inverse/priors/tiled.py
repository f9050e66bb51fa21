"""A prior on images larger than its network takes: overlapping tiles, smoothly blended."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from inverse.denoise import Estimate, Field, FieldPrior, Prior, estimate
from inverse.levels import Level
from operators import Problem, Rng


class Tiled(Prior):
    """A prior applied to overlapping square tiles, whose estimates are blended.

    `D(x) = sum_k w_k D_k(x_k) / sum_k w_k` over square tiles x_k of the image.

    A prior that is told the noise of every value is told that of each tile's (`Field`).

    Each weight is `sin^2` across its tile in both directions, so that a tile's rim, where it
    lacks its surroundings, hardly counts. Tiles lie on a regular grid whose last row and column
    are pushed inside the image; an image no larger than a tile is one tile. Images (B, C, H, W).
    With the bundled prior and tiles of 64 pixels the RMS error at tile borders is at most 1.0004
    times what it is there without tiles, over that elsewhere (`python -m benchmarks.tiles`).

    At most `batch` tiles are in the network at a time, with gradients too (it is then run again
    on the way back). One call counts as one network call, as on a whole image.

    Reference: Bar-Tal et al., 2023, arXiv:2302.08113, eq. 5 (overlapping windows, averaged); Ding
    et al., 2024, arXiv:2308.01316 (Patch-DM: a grid that shifts from step to step).

    Args:
        prior: on images of the tile's size. tile, overlap: sides in pixels; `overlap` between
            neighbours, a quarter of the tile by default. batch: tiles at a time.
        shift: move the grid at random, per sample and call, by less than the distance of two
            tiles; costs a row and a column of tiles more.

    Raises:
        ValueError: unless `0 <= overlap < tile` and `batch >= 1`.
    """

    shuffles = True

    def __init__(
        self,
        prior: Prior,
        tile: int,
        overlap: int | None = None,
        batch: int = 4,
        shift: bool = False,
    ) -> None:
        super().__init__()
        overlap = tile // 4 if overlap is None else overlap
        if not 0 <= overlap < tile or batch < 1:
            raise ValueError(
                "Tiled: must have 0 <= overlap < tile and batch >= 1, "
                f"got tile {tile}, overlap {overlap}, batch {batch}"
            )
        self.prior, self.tile, self.stride = prior, tile, tile - overlap
        self.batch, self.shift, self.errors = batch, shift, prior.errors
        self.coordinates = prior.coordinates

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        return self._blend(x, level, x.new_zeros((len(x), 2)).long())

    def forward(self, x: Tensor, level: Level | Field, problem: Problem, rng: Rng) -> Estimate:
        offset = x.new_zeros((len(x), 2)).long()
        if self.shift:
            offset = (rng.uniform((len(x), 2)) * self.stride).long()
        x0 = self._blend(x, level, offset)
        return level.estimate(x, x0) if isinstance(level, Field) else estimate(x, x0, level)

    def _blend(self, x: Tensor, level: Level | Field, offset: Tensor) -> Tensor:
        """The blended estimate, with sample b's grid moved up and left by `offset[b]` (B, 2)."""
        rows = self._lines(x.shape[-2], offset[:, 0])
        columns = self._lines(x.shape[-1], offset[:, 1])
        tiles = [part.split(self.batch) for part in _grid(rows, columns)]
        weight = (_hill(rows.shape[-1], x)[:, None] * _hill(columns.shape[-1], x))[..., None]
        pixels = x.permute(0, 2, 3, 1)  # tiles are indexed with channels last
        told = level.pixels(x).permute(0, 2, 3, 1) if isinstance(level, Field) else None
        total, norm = torch.zeros_like(pixels), torch.zeros_like(pixels[..., :1])
        for sample, row, column in zip(*tiles, strict=True):
            at = (sample, row, column)
            own = level if told is None else Field(told[at].permute(0, 3, 1, 2))
            done = self._network(pixels[at].permute(0, 3, 1, 2), own).permute(0, 2, 3, 1)
            total.index_put_(at, weight * done, accumulate=True)
            norm.index_put_(at, weight.expand(*done.shape[:-1], 1), accumulate=True)
        return (total / norm).permute(0, 3, 1, 2)

    def _lines(self, side: int, offset: Tensor) -> Tensor:
        """The rows (or columns) of each row of tiles, (B, tiles, tile), grid moved by (B,)."""
        tile = min(self.tile, side)
        count = math.ceil((side - tile) / self.stride) + 1 + (self.shift and tile < side)
        steps = torch.arange(count, device=offset.device) * self.stride
        first = (steps - offset[:, None]).clamp(0, side - tile)
        return first[..., None] + torch.arange(tile, device=offset.device)

    def _network(self, tiles: Tensor, level: Level | Field) -> Tensor:
        run: Callable[..., Tensor] = self.prior.denoise
        if isinstance(level, Field):
            assert isinstance(self.prior, FieldPrior)  # its coordinates say so
            run = self.prior.restore
        if torch.is_grad_enabled() and tiles.requires_grad:
            out = checkpoint(run, tiles, level, use_reentrant=False)
            assert isinstance(out, Tensor)
            return out
        return run(tiles, level)


def _grid(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sample (N, 1, 1), rows (N, tile, 1) and columns (N, 1, tile) of all N tiles."""
    count = (len(rows), rows.shape[1], columns.shape[1])
    sample = torch.arange(len(rows), device=rows.device)[:, None, None].expand(count)
    row = rows[:, :, None].expand(*count, -1).flatten(0, 2)
    column = columns[:, None].expand(*count, -1).flatten(0, 2)
    return sample.flatten()[:, None, None], row[:, :, None], column[:, None]


def _hill(side: int, like: Tensor) -> Tensor:
    """`sin^2` from rim to rim at the centres of `side` pixels, never zero."""
    centres = (torch.arange(side, device=like.device) + 0.5) / side
    return (centres * math.pi).sin().square().to(like.dtype)
