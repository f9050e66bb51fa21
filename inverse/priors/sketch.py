"""What a measurement of uneven noise says of the image before any network: two cheap readings."""

import torch.nn.functional as F
from torch import Tensor

DETAIL = 0.02  # variance of an image's value about the mean of the 2 x 2 that it belongs to
DEPTH = 4  # of the pyramid: it sees 16 x 16 pixels
SPREAD = 0.25  # variance of the coarsest means about grey


def sketch(z: Tensor, variance: Tensor, depth: int = DEPTH) -> Tensor:
    """The image (B, C, H, W) that means of z on a pyramid give, each as far as it can be trusted.

    `x = u + g (z - u)`, `g = q / (q + v)`: of a value z of noise variance v and the coarser image
    u, enlarged, which is the sketch of means weighted by `1 / (q + v)`. It is the posterior mean
    where every value differs from its coarser one by a Gaussian of variance q (but for the smooth
    enlargement), so that what is lost is filled from around it, and what is known stays.

    Reference: Chou, Willsky and Benveniste, 1994, "Multiscale recursive estimation".
    """
    if depth == 0:
        return z * SPREAD / (SPREAD + variance)
    weight = 1 / (variance + DETAIL)
    total = _halved(weight)
    coarse = sketch(_halved(weight * z) / total, 1 / (4 * total), depth - 1)
    height, width = z.shape[-2:]
    above = F.interpolate(coarse, scale_factor=2, mode="bilinear")[..., :height, :width]
    return above + DETAIL * weight * (z - above)


def gate(variance: Tensor) -> Tensor:
    """How much a value counts among its neighbours, in (0, 1]: its precision over their mean.

    It is 1 wherever the noise is even, and 0 for a lost value among known ones.
    """
    precision = 1 / (variance + DETAIL)
    around = F.avg_pool2d(precision, 5, 1, 2, count_include_pad=False)
    return (precision / around).clamp(max=1.0)


def _halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
