"""Compressed sensing: random and fast orthonormal measurements."""

from operators.sensing.block import BlockSensing, block_sensing
from operators.sensing.random import DenseGaussian, WalshHadamard, dense_gaussian, walsh_hadamard
from operators.sensing.transforms import DCT, dct

__all__ = [
    "BlockSensing",
    "DCT",
    "DenseGaussian",
    "WalshHadamard",
    "block_sensing",
    "dct",
    "dense_gaussian",
    "walsh_hadamard",
]
