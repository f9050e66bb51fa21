"""Blurs: kernels, borders, circular, mirrored, padded and varying convolutions."""

from operators.blurs.circular import Blur
from operators.blurs.families import (
    blur_anisotropic,
    blur_defocus,
    blur_file,
    blur_gaussian,
    blur_kernel,
    blur_line,
    blur_motion,
    psf_file,
)
from operators.blurs.mirrored import CosineBlur
from operators.blurs.padded import PaddedBlur
from operators.blurs.separable import Separable
from operators.blurs.varying import VaryingBlur, blur_lens, blur_varying

__all__ = [
    "Blur",
    "CosineBlur",
    "PaddedBlur",
    "Separable",
    "VaryingBlur",
    "blur_anisotropic",
    "blur_defocus",
    "blur_file",
    "blur_gaussian",
    "blur_kernel",
    "blur_line",
    "blur_lens",
    "blur_motion",
    "blur_varying",
    "psf_file",
]
