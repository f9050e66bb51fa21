"""DICOM: stored numbers with rescale slope and intercept (HU); written as a derived image."""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from inverse.images.scans.scan import ImageError, Limits, Scan

MADE = "restored by anytime-inverse"


def decode(content: bytes, path: Path) -> Scan:
    """All frames; colours as RGB, values in the units that the rescale tags say."""
    data = dcmread(io.BytesIO(content), force=content[128:132] != b"DICM")
    if "PixelData" not in data:
        raise ValueError("it has no pixel data")
    if data.PhotometricInterpretation == "PALETTE COLOR":
        raise ValueError("its colours are numbers of a palette")
    pixels = pixel_array(data)
    channels = int(data.SamplesPerPixel)
    stack = pixels.reshape(-1, *pixels.shape[-2 - (channels > 1) :])
    stack = np.moveaxis(stack, 3, 1) if channels > 1 else stack[:, None]
    slope = (
        float(data.get("RescaleSlope", data.get("DoseGridScaling", 1))) if channels == 1 else 1.0
    )
    intercept = float(data.get("RescaleIntercept", 0)) if channels == 1 else 0.0
    ends, told = _stored_limits(data)
    if ends and data.PhotometricInterpretation == "MONOCHROME1":
        ends = ends[1], ends[0]
    limits = ends and (ends[0] * slope + intercept, ends[1] * slope + intercept)
    return Scan(stack, limits, told, partial(_encode, content=content), slope, intercept)


def _stored_limits(data: Dataset) -> tuple[Limits | None, str]:
    """Of the smallest and the largest number's tags, or of the bits, fewer than 16 if signed."""
    low, high = data.get("SmallestImagePixelValue"), data.get("LargestImagePixelValue")
    if low is not None and high is not None and low != high:
        return (float(low), float(high)), "its smallest and largest pixel value"
    bits, signed = int(data.BitsStored), bool(data.PixelRepresentation)
    if bits > 16 - signed:
        return None, ""
    low = -(2.0 ** (bits - 1)) if signed else 0.0
    return (low, low + 2.0**bits - 1), f"its {bits} bits"


def _encode(stored: np.ndarray, zoom: int, path: Path, content: bytes) -> bytes:
    data = dcmread(io.BytesIO(content), force=content[128:132] != b"DICM")
    bits, kind, channels = int(data.BitsStored), stored.dtype, stored.shape[1]
    if data.BitsAllocated == 1:
        raise ImageError("a segmentation of one bit holds no restored image")
    low = -(2 ** (bits - 1)) if kind.kind == "i" else 0
    stored = stored.clip(low, low + 2**bits - 1) if kind.kind in "iu" else stored
    _say(data, stored)
    _place(data, stored.shape[2:], zoom)
    if channels == 3:
        data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 0
    syntax = data.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    if syntax.is_compressed:
        data.file_meta.TransferSyntaxUID = syntax = ExplicitVRLittleEndian
    order = "<" if syntax.is_little_endian else ">"
    raw = np.moveaxis(stored, 1, 3).astype(kind.newbyteorder(order)).tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    data["PixelData"].VR = "OB" if kind.itemsize == 1 else "OW"
    data["PixelData"].is_undefined_length = False
    buffer = io.BytesIO()
    dcmwrite(buffer, data, implicit_vr=syntax.is_implicit_VR, little_endian=order == "<")
    return buffer.getvalue()


def _say(data: Dataset, stored: np.ndarray) -> None:
    """That it is another image, made from the one that was read."""
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.ImageType = ["DERIVED", *list(data.get("ImageType", ["", "PRIMARY"]))[1:]]
    data.DerivationDescription = MADE
    for name, end in (("Smallest", stored.min()), ("Largest", stored.max())):
        if f"{name}ImagePixelValue" in data:
            setattr(data, f"{name}ImagePixelValue", int(end))


def _place(data: Dataset, sides: Sequence[int], zoom: int) -> None:
    """Where its pixels are: finer ones over the same field."""
    data.Rows, data.Columns = sides
    if zoom == 1:
        return
    if "ImagePositionPatient" in data and "PixelSpacing" in data:
        along, down = np.reshape(np.asarray(data.ImageOrientationPatient, float), (2, 3))
        high, wide = map(float, data.PixelSpacing)
        shift = (1 / zoom - 1) / 2 * (along * wide + down * high)
        place = np.asarray(data.ImagePositionPatient, float) + shift
        data.ImagePositionPatient = [f"{float(p):.10g}" for p in place]
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        if name in data:
            setattr(data, name, [f"{float(side) / zoom:.10g}" for side in data[name].value])
