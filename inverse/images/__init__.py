"""The disk: pictures, measurements, data sets, panels."""

from inverse.images.clips import contact_sheet, load_clip, save_clip
from inverse.images.measurements import load_measurement, save_measurement
from inverse.images.panels import (
    MAGMA,
    Tile,
    anytime_strip,
    error_tile,
    magma,
    panel,
    progress,
    visible,
)
from inverse.images.pictures import (
    PHOTOGRAPHS,
    SCANS,
    SUFFIXES,
    ImageError,
    from_unit,
    is_picture,
    list_images,
    load_image,
    sample_photograph,
    save_image,
    to_picture,
    to_unit,
    with_channels,
)
from inverse.images.units import Exposure, is_pile

__all__ = [
    "Exposure",
    "ImageError",
    "MAGMA",
    "PHOTOGRAPHS",
    "SCANS",
    "SUFFIXES",
    "Tile",
    "anytime_strip",
    "contact_sheet",
    "error_tile",
    "from_unit",
    "is_picture",
    "is_pile",
    "list_images",
    "load_clip",
    "load_image",
    "load_measurement",
    "magma",
    "panel",
    "progress",
    "sample_photograph",
    "save_clip",
    "save_image",
    "save_measurement",
    "to_picture",
    "to_unit",
    "visible",
    "with_channels",
]
