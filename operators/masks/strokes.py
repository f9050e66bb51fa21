"""Masks that are drawn: bool tensors (H, W), True where the pixel is kept."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape


def brush(
    image_shape: Sequence[int], strokes: int = 4, thickness: float = 0.06, seed: int = 0
) -> Tensor:
    """Lose `strokes` random brush strokes (chains of four segments).

    thickness: width of the brush as a fraction of the shorter side.
    """
    _, rows, columns = as_shape("mask", "image_shape", image_shape, rank=3)
    generator = torch.Generator().manual_seed(seed)
    grid = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), -1)
    radius = max(0.5, thickness * min(rows, columns) / 2)
    mask = torch.ones(rows, columns, dtype=torch.bool)
    for _ in range(strokes):
        points = torch.rand(5, 2, generator=generator) * torch.tensor([rows, columns])
        for a, b in zip(points[:-1], points[1:], strict=True):
            way = b - a
            along = ((grid - a) @ way / way.square().sum().clamp_min(1e-6)).clamp(0, 1)
            mask &= (grid - a - along[..., None] * way).norm(dim=-1) > radius
    return mask


def text(
    image_shape: Sequence[int],
    words: str = "the quick brown fox jumps over the lazy dog",
    size: int | None = None,
) -> Tensor:
    """Lose the pixels under lines of text, repeated over the whole image.

    size: of Pillow's own font, in pixels; an eighth of the shorter side by default, at least 8.
    Each line begins one word later than the line above.

    Raises:
        ValueError: for a size below 1 or for no words.
    """
    from PIL import Image, ImageDraw, ImageFont

    _, rows, columns = as_shape("mask", "image_shape", image_shape, rank=3)
    size = max(8, min(rows, columns) // 8) if size is None else size
    if size < 1 or not words.split():
        raise ValueError(f"mask: size must be 1 or more and words not empty, got {size}, {words!r}")
    font, first = ImageFont.load_default(size), words.split()
    picture = Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(picture)
    for i, top in enumerate(range(0, rows, size + max(1, size // 4))):
        turn = i % len(first)
        line = " ".join(first[turn:] + first[:turn]) + " "
        many = 1 + int(columns / max(1.0, draw.textlength(line, font)))
        draw.text((0, top), line * many, fill=255, font=font)
    drawn = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return drawn.view(rows, columns) < 128
