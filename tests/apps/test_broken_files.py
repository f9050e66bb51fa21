"""Forty files that are broken, or are not what they seem: a line each, and nothing written."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.inverse.images import scan_files as made


def picture(kind, **options):
    buffer = io.BytesIO()
    Image.effect_noise((40, 36), 60).convert("RGB").save(buffer, format=kind, **options)
    return buffer.getvalue()


def array(values, **options):
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def through(maker, name, *values, **options):
    """The bytes of a file that a library of the extra writes."""

    def make(folder):
        library = {"nifti": "nibabel", "dicom": "pydicom", "fits": "astropy"}.get(maker.__name__)
        if library:
            pytest.importorskip(library, reason="the extra files is not installed")
        return maker(folder / f"whole_{name}", *values, **options).read_bytes()

    return make


WHOLE = {
    "a.png": lambda folder: picture("PNG"),
    "a.jpg": lambda folder: picture("JPEG"),
    "a.webp": lambda folder: picture("WEBP"),
    "a.bmp": lambda folder: picture("BMP"),
    "a.gif": lambda folder: picture("GIF"),
    "a.tif": through(made.tiff, "a.tif", made.numbers("u2", (60, 50))),
    "b.tif": through(made.tiff, "b.tif", made.numbers("u2", (60, 50)), compression="zlib"),
    "a.dcm": through(made.dicom, "a.dcm", made.numbers("u2", (60, 50))),
    "a.nii": through(made.nifti, "a.nii", made.numbers("u2", (3, 60, 50))),
    "a.nii.gz": through(made.nifti, "a.nii.gz", made.numbers("u2", (3, 60, 50))),
    "a.fits": through(made.fits, "a.fits", made.numbers("f4", (60, 50)), DATAMIN=0, DATAMAX=4000),
    "a.npy": lambda folder: array(made.numbers("u2", (60, 50))),
}
BROKEN = {f"half of {name}": (name, whole, 0.5) for name, whole in WHOLE.items()}
BROKEN |= {f"the first bytes of {name}": (name, whole, 0.02) for name, whole in WHOLE.items()}
BROKEN |= {
    f"text as {name}": (name, lambda folder: b"this is a letter, not a picture", 1)
    for name in ("a.png", "a.tif", "a.dcm", "a.nii", "a.fits", "a.npy", "a.heic")
}
BROKEN |= {
    "nothing as a png": ("a.png", lambda folder: b"", 1),
    "nothing as a tif": ("a.tif", lambda folder: b"", 1),
    "a jpeg as a fits": ("a.fits", WHOLE["a.jpg"], 1),
    "a jpeg as a nifti": ("a.nii.gz", WHOLE["a.jpg"], 1),
    "a zip without pictures": ("a.zip", lambda folder: _zip(), 1),
    "objects in an npy": (
        "a.npy", lambda folder: array(np.array([{}], object), allow_pickle=True), 1,
    ),
    "words in an npy": ("a.npy", lambda folder: array(np.array(["a", "b"])), 1),
    "five axes in an npy": ("a.npy", lambda folder: array(np.zeros((1, 1, 1, 4, 4))), 1),
    "no pixels in an npy": ("a.npy", lambda folder: array(np.zeros((0, 4))), 1),
    "floats without a range": ("a.npy", lambda folder: array(np.full((8, 8), 7.0)), 1),
    "nothing but NaN": ("a.npy", lambda folder: array(np.full((8, 8), np.nan)), 1),
    "a gzip that holds no nifti": ("a.nii.gz", lambda folder: gzip.compress(b"letters"), 1),
}  # fmt: skip


def _zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("letter.txt", "no picture")
    return buffer.getvalue()


def test_there_are_forty():
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gets_one_line(inverse, tmp_path, case):
    name, make, share = BROKEN[case]
    if name.endswith("heic"):
        pytest.importorskip("pillow_heif", reason="the extra files is not installed")
    content = make(tmp_path)
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    code, out, err, folder = inverse(f"image={name}", "operator=identity", "size=null")
    assert code == 1 and len(err.strip().splitlines()) == 1, err
    assert err.startswith("inverse restore: error: ") and name in err and "Traceback" not in out
    assert len(err) < 400 and not list(folder.glob("*.png"))
