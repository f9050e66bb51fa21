"""Measures of a restoration against the truth; importing them loads no heavy library."""

from inverse.metrics.fidelity import ms_ssim, psnr, psnr_where, ssim
from inverse.metrics.lpips import LPIPS, LPIPSUnavailable
from inverse.metrics.posterior import Summary, coverage, crps, summarise
from inverse.metrics.score import score

__all__ = [
    "LPIPS",
    "LPIPSUnavailable",
    "Summary",
    "coverage",
    "crps",
    "ms_ssim",
    "psnr",
    "psnr_where",
    "score",
    "ssim",
    "summarise",
]
