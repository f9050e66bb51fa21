"""Instruments: Fourier sampling, MRI with coils, tomography."""

from operators.medical._fourier import Fourier, fourier, fourier_file
from operators.medical._mri import MRI, MultiCoilMRI, mri, mri_file, mri_multicoil
from operators.medical._radon import Radon, radon
from operators.medical._scanned import mri_coils, mri_scan

__all__ = [
    "Fourier",
    "MRI",
    "MultiCoilMRI",
    "Radon",
    "fourier",
    "fourier_file",
    "mri",
    "mri_coils",
    "mri_file",
    "mri_multicoil",
    "mri_scan",
    "radon",
]
