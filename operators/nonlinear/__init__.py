"""Operators that are not linear: clipping, gamma, quantisation, JPEG, lost phases."""

from operators.nonlinear.codec import JPEG, jpeg, jpeg_file
from operators.nonlinear.phase import PhaseRetrieval, phase_retrieval
from operators.nonlinear.pointwise import Clip, Gamma, Quantise, gamma, hdr, quantise

__all__ = [
    "Clip",
    "Gamma",
    "JPEG",
    "PhaseRetrieval",
    "Quantise",
    "gamma",
    "hdr",
    "jpeg",
    "jpeg_file",
    "phase_retrieval",
    "quantise",
]
