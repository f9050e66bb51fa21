"""Measures of a restoration against the truth; importing them loads no heavy library."""

from inverse.metrics.backbones import Unavailable
from inverse.metrics.dists import DISTS
from inverse.metrics.errorbars import expected_error, relative_error
from inverse.metrics.fidelity import ms_ssim, psnr, psnr_where, ssim
from inverse.metrics.lpips import LPIPS, score
from inverse.metrics.posterior import Summary, coverage, crps, summarise, variance_ratio
from inverse.metrics.unreferenced import blurriness

__all__ = [
    "DISTS",
    "LPIPS",
    "Summary",
    "Unavailable",
    "blurriness",
    "coverage",
    "crps",
    "expected_error",
    "ms_ssim",
    "psnr",
    "psnr_where",
    "relative_error",
    "score",
    "ssim",
    "summarise",
    "variance_ratio",
]
