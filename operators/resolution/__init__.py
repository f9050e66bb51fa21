"""Fewer pixels: block means, decimation, resampling."""

from operators.resolution._aliased import DecimatedBlur
from operators.resolution._downsample import Decimate, Downsample
from operators.resolution._resample import downsample_bicubic, resample
from operators.resolution.rates import decimate, downsample, downsample_file, downsample_gaussian

__all__ = [
    "Decimate",
    "DecimatedBlur",
    "Downsample",
    "decimate",
    "downsample",
    "downsample_bicubic",
    "downsample_file",
    "downsample_gaussian",
    "resample",
]
