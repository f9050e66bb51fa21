"""JPEG as a forward model: what is left of an image after it has been saved."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from operators.core.arrays import existing, first_line
from operators.core.operator import Operator, as_shape
from operators.core.parameters import Values, parameter
from operators.nonlinear.pointwise import rounded

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))  # else 99
COLOUR = (  # red, green, blue to luma, blue and red chroma
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
SLACK = 3e-4  # of roundings, in grey levels or quantisation steps: far above float32's errors


class JPEG(Operator):
    """Encodes and decodes by baseline JPEG, with chroma at half the resolution (4:2:0) or as said.

    `y = decode(encode(x))`. x is rounded to 8 bits first, and y is on the 8-bit grid in [-1, 1],
    like the pixels of a file; libjpeg's, made of integers, differ by less than a grey level in
    the mean. In gradients rounding counts as the identity (straight-through), so what
    remains is that chroma is smoothed, and 0 where a value is clipped to black or white.

    kornia's codec, whose rounding is smooth, is further from libjpeg, which matters where y is a
    file.

    Args:
        image_shape: (1, H, W) or (3, H, W), any sides (the last pixels are repeated to fill whole
            blocks, as libjpeg does).
        quality: 1 to 100 on libjpeg's scale, a number or one per sample, (B,); or the tables
            themselves, (2, 8, 8): of luma and of chroma.
        pool: rows and columns of pixels that share a chroma: (2, 2) is 4:2:0, (1, 2) 4:2:2.

    Raises:
        ValueError: for another number of channels, a quality out of range, or another pool.

    Reference: ITU-T T.81 (1992), Annex A and K; JFIF 1.02 for colour.
    """

    rounds = True
    luma: Tensor
    chroma: Tensor
    basis: Tensor
    norm: Tensor
    colour: Tensor
    back: Tensor
    down: Tensor

    def __init__(
        self, image_shape: Sequence[int], quality: Values, pool: Sequence[int] = (2, 2)
    ) -> None:
        shape = as_shape("JPEG", "image_shape", image_shape, rank=3)
        if shape[0] not in (1, 3):
            raise ValueError(f"JPEG: the image must have 1 or 3 channels, got {shape}")
        if tuple(pool) not in ((1, 1), (1, 2), (2, 2)):
            raise ValueError(f"JPEG: pool must be (1, 1), (1, 2) or (2, 2), got {tuple(pool)}")
        super().__init__(shape, shape)
        self.pool = tuple(pool)
        luma, chroma, several = _tables(quality)
        self.constant("luma", luma, several)
        self.constant("chroma", chroma, several)
        k = torch.arange(8, dtype=torch.float64)
        self.constant("basis", torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)))
        gain = torch.tensor([0.5**0.5] + [1.0] * 7, dtype=torch.float64) / 2
        self.constant("norm", gain * gain[:, None])
        colour = torch.tensor(COLOUR, dtype=torch.float64)
        self.constant("colour", colour)
        self.constant("back", torch.linalg.inv(colour))
        # libjpeg's rule for ties: chroma goes down, its means in every other column too
        width = -(-shape[2] // (8 * pool[1])) * 8
        self.constant("down", torch.tensor([0.25, 0.0], dtype=torch.float64).repeat(width // 2))

    def _forward(self, x: Tensor) -> Tensor:
        height, width = self.in_shape[1:]
        x = _levels((x + 1) * 127.5)
        x = pad(x, (0, -width % (8 * self.pool[1]), 0, -height % self.pool[0]), "replicate")
        x = self._code(x, self.luma) if x.shape[1] == 1 else self._colours(x)
        return (x[..., :height, :width] / 127.5 - 1).contiguous()

    def _colours(self, x: Tensor) -> Tensor:
        x = _mixed(self.colour, x)
        luma = self._code(_levels(x[:, :1]), self.luma)
        chroma = _levels(x[:, 1:] + 128, -SLACK)
        if self.pool != (1, 1):
            chroma = _levels(avg_pool2d(chroma, self.pool) - self.down)
        chroma = self._code(chroma, self.chroma)
        chroma = interpolate(chroma, luma.shape[2:], mode="bilinear") - 128
        return _levels(_mixed(self.back, torch.cat([luma, chroma], 1)))

    def _code(self, x: Tensor, table: Tensor) -> Tensor:
        """Blocks of 8 x 8 to cosine coefficients, rounded to multiples of the table, and back."""
        rows = x.shape[2]
        x = pad(x, (0, 0, 0, -rows % 8), "replicate")  # here, as libjpeg does: after the means
        b, c, h, w = x.shape
        blocks = x.view(b, c, h // 8, 8, w // 8, 8).transpose(3, 4) - 128
        z = _both_sides(blocks, self.basis.mT) * self.norm
        z = rounded(z / table, SLACK) * table * self.norm
        blocks = _both_sides(z, self.basis) + 128
        return _levels(blocks.transpose(3, 4).reshape(b, c, h, w))[:, :, :rows]


def _tables(quality: Values) -> tuple[Tensor, Tensor, bool]:
    """Luma's and chroma's tables, (1 or B, 1, 1, 1, 8, 8), and whether they are one per sample."""
    if isinstance(quality, Tensor) and quality.shape == (2, 8, 8):
        luma, chroma = quality.double().cpu().view(2, 1, 1, 1, 1, 8, 8)
        return luma, chroma, False
    value = parameter("JPEG", "quality", quality, low=1, high=100)
    luma, chroma = torch.tensor(LUMA), torch.full((8, 8), 99)
    chroma[:4, :4] = torch.tensor(CHROMA)
    return _scaled(luma, value), _scaled(chroma, value), isinstance(value, Tensor)


def _scaled(table: Tensor, quality: float | Tensor) -> Tensor:
    """libjpeg's quantisation table at a quality, (1 or B, 1, 1, 1, 8, 8)."""
    q = torch.as_tensor(quality, dtype=torch.float64, device="cpu").view(-1, 1, 1, 1, 1, 1)
    percent = torch.where(q < 50, (5000 / q).floor(), 200 - 2 * q)
    return ((table * percent + 50) / 100).floor().clamp(1, 255)


def _levels(x: Tensor, slack: float = SLACK) -> Tensor:
    return rounded(x, slack).clamp(0, 255)


def _mixed(matrix: Tensor, x: Tensor) -> Tensor:
    """The channels of (B, C, H, W) times a matrix."""
    return torch.matmul(matrix, x.flatten(2)).view_as(x)


def _both_sides(blocks: Tensor, matrix: Tensor) -> Tensor:
    """`M^T X M` for every block X."""
    return ((blocks @ matrix).mT @ matrix).mT


def jpeg(image_shape: Sequence[int], quality: Values = 10) -> JPEG:
    """JPEG compression at a quality from 1 to 100."""
    return JPEG(image_shape, quality)


def jpeg_file(image_shape: Sequence[int], file: str | Path) -> JPEG:
    """JPEG compression with the tables and the chroma sampling of a JPEG file.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: for one that is no JPEG file, or of another sampling.
    """
    from PIL import Image

    path = existing(file)
    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            tables, layers = picture.quantization, picture.layer  # pyright: ignore
    except Exception as error:
        raise ValueError(f"{path}: is no JPEG file ({first_line(error)})") from error
    chosen = torch.tensor([tables[layer[3]] for layer in (layers[0], layers[-1])])
    pool = layers[0][2] // layers[-1][2], layers[0][1] // layers[-1][1]
    said = f"{path}: its tables, a chroma for {pool[0]} x {pool[1]} pixels"
    return JPEG(image_shape, chosen.view(2, 8, 8), pool).read_as(said)
