"""Forward models for imaging: y = A(x) + noise. Imports torch only; usable by any solver."""

from operators import checks, interop, kernels, kspace, masks
from operators.base import Operator
from operators.bayer import Bayer, bayer
from operators.block import BlockSensing, block_sensing
from operators.blur import Blur
from operators.blurs import (
    blur_anisotropic,
    blur_defocus,
    blur_file,
    blur_gaussian,
    blur_kernel,
    blur_motion,
)
from operators.codec import JPEG, jpeg
from operators.colour import Greyscale, greyscale
from operators.compositing import Multiplane, alpha_blend, multiplane
from operators.cosine import CosineBlur
from operators.dct import DCT, dct
from operators.diagonal import Diagonal
from operators.downsample import Decimate, DecimatedBlur, Downsample
from operators.fourier import Fourier, fourier, fourier_file
from operators.frames import FrameSkip, TemporalAverage, frame_skip, temporal_average
from operators.identity import Identity, identity
from operators.inpaint import (
    Inpaint,
    inpaint_box,
    inpaint_brush,
    inpaint_file,
    inpaint_half,
    inpaint_outpaint,
    inpaint_random,
    inpaint_text,
)
from operators.linear import LinearOperator, stack
from operators.module import Module
from operators.mri import MRI, MultiCoilMRI, mri, mri_file, mri_multicoil
from operators.noise import (
    Gaussian,
    Laplace,
    Noise,
    Poisson,
    SaltAndPepper,
    Uniform,
    gaussian,
    laplace,
    poisson,
    poisson_gaussian,
    salt_and_pepper,
    uniform,
)
from operators.padded import PaddedBlur
from operators.phase import PhaseRetrieval, phase_retrieval
from operators.pointwise import Clip, Gamma, Quantise, gamma, hdr, quantise
from operators.problem import Problem, measure
from operators.radon import Radon, radon
from operators.random import Rng
from operators.rates import decimate, downsample, downsample_file, downsample_gaussian
from operators.resample import downsample_bicubic, resample
from operators.response import SpectralResponse, spectral_response
from operators.sensing import DenseGaussian, WalshHadamard, dense_gaussian, walsh_hadamard
from operators.separable import Separable
from operators.spectral import SpectralOperator
from operators.varying import VaryingBlur, blur_lens, blur_varying
from operators.video import Framewise, framewise

__all__ = [
    "Bayer",
    "BlockSensing",
    "Blur",
    "Clip",
    "CosineBlur",
    "DCT",
    "Decimate",
    "DecimatedBlur",
    "DenseGaussian",
    "Diagonal",
    "Downsample",
    "Fourier",
    "FrameSkip",
    "Framewise",
    "Gamma",
    "Gaussian",
    "Greyscale",
    "Identity",
    "Inpaint",
    "JPEG",
    "Laplace",
    "LinearOperator",
    "MRI",
    "Module",
    "MultiCoilMRI",
    "Multiplane",
    "Noise",
    "Operator",
    "PaddedBlur",
    "PhaseRetrieval",
    "Poisson",
    "Problem",
    "Quantise",
    "Radon",
    "Rng",
    "SaltAndPepper",
    "Separable",
    "SpectralOperator",
    "SpectralResponse",
    "TemporalAverage",
    "Uniform",
    "VaryingBlur",
    "WalshHadamard",
    "alpha_blend",
    "bayer",
    "block_sensing",
    "blur_anisotropic",
    "blur_defocus",
    "blur_file",
    "blur_gaussian",
    "blur_kernel",
    "blur_lens",
    "blur_motion",
    "blur_varying",
    "checks",
    "dct",
    "decimate",
    "dense_gaussian",
    "downsample",
    "downsample_bicubic",
    "downsample_file",
    "downsample_gaussian",
    "fourier",
    "fourier_file",
    "frame_skip",
    "framewise",
    "gamma",
    "gaussian",
    "greyscale",
    "hdr",
    "identity",
    "inpaint_box",
    "inpaint_brush",
    "inpaint_file",
    "inpaint_half",
    "inpaint_outpaint",
    "inpaint_random",
    "inpaint_text",
    "interop",
    "jpeg",
    "kernels",
    "kspace",
    "laplace",
    "masks",
    "measure",
    "mri",
    "mri_file",
    "mri_multicoil",
    "multiplane",
    "phase_retrieval",
    "poisson",
    "poisson_gaussian",
    "quantise",
    "radon",
    "resample",
    "salt_and_pepper",
    "spectral_response",
    "stack",
    "temporal_average",
    "uniform",
    "walsh_hadamard",
]
