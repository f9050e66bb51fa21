"""The columns of a benchmark's rows: their names, their types, and how a report shows them.

A row has those that apply to it; on disk (`schema`) and in tables the others are empty.
"""

from typing import TYPE_CHECKING, Annotated, TypedDict, get_type_hints

if TYPE_CHECKING:
    import pyarrow


class Named(TypedDict, total=False):
    """What a row is called: no two that were done alike."""

    dataset: str
    image: str
    operator: str
    noise: str
    solver: str
    prior: str
    seed: int
    sample: int


class Agreed(TypedDict, total=False):
    """What papers differ in: rows that differ there are not averaged together."""

    noise_range: str
    size: int | None
    crop: str
    rounding: str
    border: int
    colour: str
    ssim_window: str
    perceptual: str


class Made(TypedDict, total=False):
    """What made a row."""

    version: str
    commit: str
    torch: str
    python: str
    machine: str
    batch: int


class Kept(TypedDict, total=False):
    """Pictures, by their paths below the benchmark's folder."""

    truth: str
    measurement: str
    restoration: str


class Measured(TypedDict, total=False):
    """What tables show: title, +1 where more is better or -1 where less is, else 0, digits."""

    psnr: Annotated[float, "PSNR, dB", 1, 2]
    ssim: Annotated[float, "SSIM", 1, 3]
    ms_ssim: Annotated[float, "MS-SSIM", 1, 3]
    lpips_alex: Annotated[float, "LPIPS (alex)", -1, 3]
    lpips_vgg: Annotated[float, "LPIPS (vgg)", -1, 3]
    lpips_squeeze: Annotated[float, "LPIPS (squeeze)", -1, 3]
    dists: Annotated[float, "DISTS", -1, 3]
    blurriness: Annotated[float, "Blurriness", 0, 3]
    psnr_lost: Annotated[float, "PSNR, lost pixels", 1, 2]
    psnr_kept: Annotated[float, "PSNR, kept pixels", 1, 2]
    psnr_of_mean: Annotated[float, "PSNR of the mean", 1, 2]
    crps: Annotated[float, "CRPS", -1, 4]
    coverage: Annotated[float, "Coverage", 0, 3]
    coverage_nominal: Annotated[float, "Nominal", 0, 3]
    variance_ratio: Annotated[float, "Variance ratio", 0, 2]
    residual: Annotated[float, "Residual, σ", 0, 2]
    nfe: Annotated[int, "Calls", 0, 0]
    nfe_backward: Annotated[int, "Backward", 0, 0]
    seconds: Annotated[float, "Seconds", 0, 2]


class Curve(TypedDict, total=False):
    """Of the estimates on the way."""

    curve_nfe: list[int]
    curve_seconds: list[float]
    curve_psnr: list[float]
    curve_lpips_alex: list[float]
    curve_lpips_vgg: list[float]
    curve_lpips_squeeze: list[float]
    curve_dists: list[float]


class Row(Named, Agreed, Made, Kept, Measured, Curve, total=False):
    """All of them. unit, config: hashes of the work and of its cell. status: ok, or failed."""

    unit: str
    config: str
    image_sha256: str
    command: str
    time: float
    status: str
    error: str
    height: int
    width: int
    seconds_network: float
    peak_memory_mb: float | None
    finished: bool


def schema() -> "pyarrow.Schema":
    """The columns of a shard."""
    import pyarrow

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    types |= {list[kind]: pyarrow.list_(types[kind]) for kind in (int, float)}
    types |= {bool: pyarrow.bool_()} | {kind | None: types[kind] for kind in (int, float)}
    return pyarrow.schema([(name, types[kind]) for name, kind in get_type_hints(Row).items()])
