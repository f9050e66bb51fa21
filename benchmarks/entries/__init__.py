"""What `benchmarks.operators` measures: one function per operator, with its floors and deepinv's.

To add an operator, add a function that returns an `Entry`, and its line in ENTRIES. A floor is
written with bare tensor calls and precomputed weights, and must give our result; the products it
names are those that are timed.
"""

from collections.abc import Callable

from benchmarks.entries.blurs import blur, composed
from benchmarks.entries.entry import LAM, Entry
from benchmarks.entries.fourier import fourier, mri
from benchmarks.entries.pixels import downsample, greyscale, identity, inpaint, response
from benchmarks.entries.sensing import block, dct, dense_gaussian, walsh_hadamard

__all__ = ["ENTRIES", "LAM", "Entry"]

ENTRIES: dict[str, Callable[[], Entry]] = {
    "identity": identity,
    "inpaint 30 %": inpaint,
    "blur 9x9": blur,
    "0.5 * blur 9x9": lambda: blur(0.5),
    "downsample x4": downsample,
    "greyscale": greyscale,
    "two bands": response,
    "walsh-hadamard 25 %": walsh_hadamard,
    "dct 25 %": dct,
    "blocks 32x32 25 %": block,
    "fourier 4x": fourier,
    "mri 4x": mri,
    "dense gaussian 64x64": dense_gaussian,
    "downsample x4 @ blur 9x9": composed,
}
