"""Families of kernels whose parameters are not known."""

from typing import Literal

from inverse.samplers.blind.evidence import Range
from inverse.samplers.blind.freeform import BlurKernel
from inverse.samplers.blind.kernels import BlurParameters
from inverse.samplers.blind.refits import NoiseLevel
from operators import kernels

Family = Literal["gaussian", "anisotropic", "defocus", "motion", "free"]
HALF_TURN = Range(0.0, 180.0, log=False, round=True)
MANY = 33  # a blur of half the length, or radius, has half of the zeros in its spectrum: a peak


def blur_family(
    family: Family, size: int = 25, padding: str = "replicate", noise: NoiseLevel | None = None
) -> BlurParameters | BlurKernel:
    """The refit of a blur of a kind, its parameters within what fits into the kernel.

    Args:
        family: gaussian (`std`), anisotropic (`angle`, `std_x`, `std_y`), defocus (`radius`),
            motion (`angle`, `length` of a straight one), in pixels and degrees as in
            `operators.kernels`, or free (any kernel: `BlurKernel`).
        size, padding, noise: as in `BlurParameters`.
    """
    if family == "free":
        return BlurKernel(size, padding)
    spread = Range(0.3, size / 6)
    kernel, ranges = {
        "gaussian": (kernels.gaussian, {"std": spread}),
        "anisotropic": (
            kernels.anisotropic,
            {"angle": HALF_TURN, "std_x": spread, "std_y": spread},
        ),
        "defocus": (kernels.defocus, {"radius": Range(0.5, size / 2, points=MANY)}),
        "motion": (kernels.line, {"angle": HALF_TURN, "length": Range(1.0, size - 1, points=MANY)}),
    }[family]
    return BlurParameters(kernel, ranges, size, padding, noise)
