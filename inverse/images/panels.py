"""Labelled rows of pictures: truth | measurement | restored | error, and the anytime strip."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from inverse.images.pictures import from_unit, to_picture

PAPER, INK, FAINT = (255, 255, 255), (20, 20, 20), (105, 105, 105)
EMPTY = (240, 240, 240)  # behind pictures that are not square
MAGMA = (  # matplotlib's perceptually uniform map at nine even steps, RGB in [0, 255]
    (0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122),
    (229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191),
)  # fmt: skip


class Tile(NamedTuple):
    """One picture of a panel: a title above it, (C, h, w) in [-1, 1], a caption below it.

    The font is Pillow's own: ASCII and a few signs (· ± ° …), so write "x4" and "sigma".
    """

    title: str
    image: Tensor
    caption: str = ""


def panel(*rows: Sequence[Tile], size: int = 256) -> Image.Image:
    """Rows of labelled pictures, each fitted into size x size pixels.

    Any (C, h, w) is shown, as `visible` has it. A
    smaller picture is enlarged by repeating pixels, a larger one is averaged down (Lanczos).
    Measurements that are no pictures (a vector of samples) must be back-projected by the caller.

    Raises:
        ValueError: when there is nothing to show or an image is not (C, h, w).
    """
    if not rows or not all(rows):
        raise ValueError("panel: nothing to show; give at least one row of at least one tile")
    text = max(11, size // 16)
    font = ImageFont.load_default(text)
    above = round(1.7 * text) if any(tile.title for row in rows for tile in row) else text // 2
    below = round(1.7 * text) if any(tile.caption for row in rows for tile in row) else text // 2
    gap = max(4, size // 32)
    step_x, step_y = size + gap, above + size + below
    width = gap + step_x * max(map(len, rows))
    sheet = Image.new("RGB", (width, gap + step_y * len(rows)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            left, top = gap + j * step_x, gap // 2 + i * step_y
            middle = left + size // 2
            _write(draw, (middle, top + above // 2), tile.title, font, INK, size)
            sheet.paste(_fit(tile.image, size), (left, top + above))
            _write(draw, (middle, top + above + size + below // 2), tile.caption, font, FAINT, size)
    return sheet


def anytime_strip(tiles: Sequence[Tile], *, columns: int = 6, size: int = 192) -> Image.Image:
    """The estimates in the order they came, `columns` to a row; captions as from `progress`."""
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    return panel(*rows, size=size)


def progress(nfe: int, seconds: float, psnr: float | None = None) -> str:
    """A caption such as "NFE 12 · 3.1 s · 24.3 dB"; without the truth the last part is left out."""
    parts = [f"NFE {nfe}", f"{seconds:.1f} s"]
    return " · ".join(parts if psnr is None else [*parts, f"{psnr:.1f} dB"])


def error_tile(x: Tensor, truth: Tensor, *, peak: float = 0.5) -> Tile:
    """The map of |x - truth|, mean over channels, black at 0 and pale yellow at `peak` or more.

    x and truth are (C, H, W) in [-1, 1], and so is `peak`: the default is a quarter of the range.
    The scale does not follow the picture, so errors of different pictures compare; it is stated
    in the caption as a share of the full range.
    """
    error = (x.clamp(-1, 1) - truth.clamp(-1, 1)).abs().mean(dim=0)
    return Tile("error", magma(error / peak), f"|x - truth|, 0 to {50 * peak:.3g} % of range")


def visible(x: Tensor) -> Tensor:
    """(C, H, W) to look at: grey or colour itself, of two channels the magnitude of the complex
    number that they are, of others the mean."""
    if x.shape[0] == 2:
        return 2 * x.norm(dim=0, keepdim=True) - 1
    return x if x.shape[0] in (1, 3) else x.mean(0, keepdim=True)


def magma(value: Tensor) -> Tensor:
    """(H, W) in [0, 1] -> (3, H, W) in [-1, 1], linear between the nine colours."""
    colours = torch.tensor(MAGMA, device=value.device, dtype=torch.float32) / 255
    place = value.float().nan_to_num(1.0).clamp(0, 1) * (len(MAGMA) - 1)
    low = place.long().clamp(max=len(MAGMA) - 2)
    mixed = torch.lerp(colours[low], colours[low + 1], (place - low).unsqueeze(-1))
    return from_unit(mixed.movedim(-1, 0))


def _fit(x: Tensor, size: int) -> Image.Image:
    """(C, h, w) -> a size x size picture, aspect kept, centred."""
    if x.ndim != 3 or not x.numel():
        shape = tuple(x.shape)
        raise ValueError(f"panel: image must be (C, h, w), got {shape}; back-project a vector")
    picture = to_picture(visible(x.float())).convert("RGB")
    scale = size / max(picture.size)
    wide, high = (max(1, round(side * scale)) for side in picture.size)
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    tile = Image.new("RGB", (size, size), EMPTY)
    tile.paste(picture.resize((wide, high), way), ((size - wide) // 2, (size - high) // 2))
    return tile


def _write(
    draw: ImageDraw.ImageDraw,
    middle: tuple[int, int],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """Centre one line of text; it is set smaller where it would be wider than the picture."""
    length = draw.textlength(text, font)
    if length > width and isinstance(font, ImageFont.FreeTypeFont):
        font = font.font_variant(size=0.95 * font.size * width / length)
    draw.text(middle, text, fill=colour, font=font, anchor="mm")
