"""The disk: pictures, measurements, data sets, panels."""

from inverse.images.clips import contact_sheet, load_clip, save_clip
from inverse.images.measurements import load_measurement, save_measurement
from inverse.images.panels import MAGMA, Tile, anytime_strip, error_tile, magma, panel, progress
from inverse.images.pictures import (
    PHOTOGRAPHS,
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
)

__all__ = [
    "ImageError",
    "MAGMA",
    "PHOTOGRAPHS",
    "SUFFIXES",
    "Tile",
    "anytime_strip",
    "contact_sheet",
    "error_tile",
    "from_unit",
    "is_picture",
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
]
