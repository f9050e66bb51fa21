"""Instruments: Fourier sampling, MRI with coils, tomography."""

from operators.medical._fourier import Fourier, fourier, fourier_file
from operators.medical._mri import MRI, MultiCoilMRI, mri, mri_file, mri_multicoil
from operators.medical._radon import Radon, radon

__all__ = [
    "Fourier",
    "MRI",
    "MultiCoilMRI",
    "Radon",
    "fourier",
    "fourier_file",
    "mri",
    "mri_file",
    "mri_multicoil",
    "radon",
]
