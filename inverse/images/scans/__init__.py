"""Files of pictures as they are: numbers in their own units, and whatever else they hold."""

from inverse.images.scans.reading import (
    FORMATS,
    check_target,
    ends_of,
    is_scan,
    kind_of,
    read_scan,
    write_scan,
)
from inverse.images.scans.scan import VALUES, ImageError, Limits, Scan

__all__ = [
    "FORMATS",
    "VALUES",
    "ImageError",
    "Limits",
    "Scan",
    "check_target",
    "ends_of",
    "is_scan",
    "kind_of",
    "read_scan",
    "write_scan",
]
