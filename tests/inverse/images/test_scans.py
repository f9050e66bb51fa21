"""Files of microscopes, scanners and telescopes: read in their units, written with all else."""

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.images import ImageError, load_image
from inverse.images.scans import read_scan, write_scan
from inverse.training.data import ImageSource
from tests.inverse.images import scan_files as made

tifffile = pytest.importorskip("tifffile", reason="scikit-image brings tifffile")
RANGE = (0.0, 4000.0)


def with_library(name):
    return pytest.importorskip(name, reason="the extra files is not installed")


def back(scan, limits, page=0):
    """The numbers that an untouched image of a page gives."""
    return scan.numbers([2 * scan.unit(page, limits) - 1], limits)[0]


TIFFS = {
    "plain": {},
    "deflated": {"compression": "zlib", "predictor": True},
    "big-endian": {"byteorder": ">", "compression": "zlib"},
    "tiles": {"tile": (16, 16)},
    "deflated tiles": {"tile": (16, 16), "compression": "zlib"},
    "strips": {"rowsperstrip": 5},
}


@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "f4", "f8"])
def test_a_tiff_is_written_with_other_numbers_and_all_its_tags(tmp_path, kind, options):
    path = made.tiff(tmp_path / "a.tif", made.numbers(kind, (3, 12, 20), high=200), **options)
    scan = read_scan(path)
    new = scan.stored[..., ::-1]
    write_scan(scan, new, tmp_path / "b.tif")
    again = read_scan(tmp_path / "b.tif")
    assert np.array_equal(again.stored, new) and again.stored.dtype == np.dtype(kind)
    with tifffile.TiffFile(path) as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        assert a.series[0].axes == b.series[0].axes
        layout = {"StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts"}
        layout |= {"RowsPerStrip", "Compression", "Predictor"}
        for before, after in zip(a.pages, b.pages, strict=True):
            found = [[(t.name, t.value) for t in p.tags.values()] for p in (before, after)]
            kept, wanted = ([t for t in tags if t[0] not in layout] for tags in found)
            assert kept == wanted


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_of_a_tiff_are_channels_and_what_is_beside_them_stays(tmp_path, planar):
    pixels = made.numbers("u2", (4, 12, 10))
    stored = pixels if planar == "separate" else np.moveaxis(pixels, 0, 2)
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"], "planarconfig": planar}
    scan = read_scan(made.tiff(tmp_path / "a.tif", stored, **options))
    assert np.array_equal(scan.stored[0], pixels[:3]) and scan.limits == (0, 65535)
    write_scan(scan, scan.stored + 1, tmp_path / "b.tif")
    again = tifffile.imread(tmp_path / "b.tif")
    expected = np.concatenate([pixels[:3] + 1, pixels[3:]])
    assert np.array_equal(again if planar == "separate" else np.moveaxis(again, 2, 0), expected)


def test_a_tiff_lies_as_it_is_seen_and_is_written_as_it_lay(tmp_path):
    pixels = made.numbers("u1", (12, 10), high=200)
    for turn, seen in ((6, np.rot90(pixels, -1)), (8, np.rot90(pixels)), (3, pixels[::-1, ::-1])):
        tags = [(274, "H", 1, turn, True)]
        path = tmp_path / f"{turn}.tif"
        scan = read_scan(made.tiff(path, pixels, extratags=tags))
        assert np.array_equal(scan.stored[0, 0], seen)
        write_scan(scan, scan.stored, tmp_path / "b.tif")
        assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), pixels)


def test_a_tiff_whose_zero_is_white_has_its_range_the_other_way_round(tmp_path):
    pixels = made.numbers("u1", (12, 10), high=200)
    scan = read_scan(made.tiff(tmp_path / "a.tif", pixels, photometric="miniswhite"))
    assert scan.limits == (255, 0) and np.array_equal(back(scan, scan.limits)[0], pixels)


def test_finer_pixels_have_a_finer_resolution(tmp_path):
    scan = read_scan(made.tiff(tmp_path / "a.tif", made.numbers("u2"), compression="zlib"))
    finer = scan.stored.repeat(2, 2).repeat(2, 3)
    write_scan(scan, finer, tmp_path / "b.tif", zoom=2)
    assert np.array_equal(read_scan(tmp_path / "b.tif").stored, finer)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[1].tags.valueof(282) == (10000, 1)
        assert file.pages[1].tags.valueof(283) == (5000, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_a_png_keeps_depth_profile_exif_and_resolution(tmp_path, kind, channels):
    from PIL import ImageCms

    from inverse.images.scans.pillow import _png

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a maker", 6
    kept = {"icc_profile": profile, "dpi": (300.0, 300.0), "exif": exif}
    pixels = made.numbers(kind, (12, 10, channels), high=200)
    pixels = pixels * 257 if kind == "u2" else pixels
    path = tmp_path / "a.png"
    if channels == 3 and kind == "u2":
        path.write_bytes(_png(pixels, kept))
    else:
        Image.fromarray(pixels.squeeze()).save(path, **kept)
    scan = read_scan(path)
    seen = np.rot90(np.moveaxis(pixels, 2, 0), -1, (1, 2))
    assert np.array_equal(scan.stored[0], seen) and scan.limits == (0, np.iinfo(kind).max)
    write_scan(scan, scan.stored, tmp_path / "b.png")
    assert np.array_equal(read_scan(tmp_path / "b.png").stored, scan.stored)
    with Image.open(tmp_path / "b.png") as file:
        assert file.info["icc_profile"] == profile
        assert file.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert file.getexif().get(0x010F) == "a maker" and 0x0112 not in file.getexif()


def test_heic_is_read_where_its_library_is(tmp_path):
    pillow_heif = with_library("pillow_heif")
    pillow_heif.register_heif_opener()
    Image.new("RGB", (16, 12), (200, 100, 50)).save(tmp_path / "a.heic")
    assert ImageSource(tmp_path)[0].shape == (12, 16, 3)  # to train on
    x = load_image(tmp_path / "a.heic")
    assert x.shape == (3, 12, 16) and abs(float((x[0].mean() + 1) * 127.5) - 200) < 6


def test_dicom_is_in_hounsfield_units_and_its_copy_is_derived(tmp_path):
    pydicom = with_library("pydicom")
    path = made.dicom(tmp_path / "a.dcm", made.numbers("u2", (12, 10)))
    scan = read_scan(path)
    assert scan.limits == (-1024, 3071) and "12 bits" in scan.told
    assert np.array_equal(scan.values(0)[0], scan.stored[0, 0] - 1024.0)
    write_scan(scan, scan.stored + 1, tmp_path / "b.dcm")
    a, b = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "b.dcm")
    assert np.array_equal(a.pixel_array + 1, b.pixel_array) and b.PatientID == "nobody"
    assert a.SOPInstanceUID != b.SOPInstanceUID and b.ImageType[0] == "DERIVED"
    write_scan(scan, np.full_like(scan.stored, 60000), tmp_path / "c.dcm")
    assert read_scan(tmp_path / "c.dcm").stored.max() == 4095  # no number beyond its bits
    write_scan(scan, scan.stored.repeat(2, 2).repeat(2, 3), tmp_path / "d.dcm", zoom=2)
    d = pydicom.dcmread(tmp_path / "d.dcm")
    assert list(d.PixelSpacing) == [0.35, 0.3]
    assert list(d.ImagePositionPatient) == [-20.15, -30.175, 40]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti_keeps_affine_scaling_and_every_byte_of_its_header(tmp_path, name):
    nibabel = with_library("nibabel")
    path = made.nifti(tmp_path / name, made.numbers("i2", (3, 12, 10)), (0.5, 7.0), cal_max=900)
    scan = read_scan(path)
    assert scan.stored.shape == (3, 1, 12, 10) and scan.limits == (0, 900)
    volume = nibabel.load(path)
    assert np.allclose(scan.values(1)[0], volume.get_fdata()[:, :, 1].T)
    write_scan(scan, scan.stored, tmp_path / f"same_{name}")
    raw = [f.read_bytes() for f in (path, tmp_path / f"same_{name}")]
    if name.endswith("gz"):
        import gzip

        raw = [gzip.decompress(content) for content in raw]
    assert raw[0] == raw[1]
    write_scan(scan, scan.stored.repeat(2, 2).repeat(2, 3), tmp_path / f"finer_{name}", zoom=2)
    finer = nibabel.load(tmp_path / f"finer_{name}")
    middle = [finer.affine @ [x, y, 1, 1] for x in (4, 5) for y in (6, 7)]
    assert np.allclose(np.mean(middle, 0), volume.affine @ [2, 3, 1, 1])


def test_complex_nifti_is_two_channels(tmp_path):
    nibabel = with_library("nibabel")
    pixels = made.numbers("f4") + 1j * made.numbers("f4", seed=1)
    scan = read_scan(made.nifti(tmp_path / "a.nii", pixels.astype("c8")))
    assert scan.stored.shape == (2, 2, 12, 10)
    write_scan(scan, scan.stored, tmp_path / "b.nii")
    assert np.array_equal(np.asarray(nibabel.load(tmp_path / "b.nii").dataobj).T, pixels)


FITS = {
    "unsigned": ("u2", {}, (0, 65535)),
    "bytes": ("u1", {}, (0, 255)),
    "floats": ("f4", {}, None),
    "floats with a range": ("f4", {"DATAMIN": 0.0, "DATAMAX": 4000.0}, RANGE),
    "blank": ("i2", {"BLANK": -999}, None),
}


@pytest.mark.parametrize(("kind", "cards", "limits"), FITS.values(), ids=FITS)
def test_fits_keeps_header_wcs_and_its_other_parts(tmp_path, kind, cards, limits):
    library = with_library("astropy.io.fits")
    path = made.fits(tmp_path / "a.fits", made.numbers(kind, high=200), **cards)
    scan = read_scan(path)
    assert scan.limits == limits and scan.stored.shape == (2, 1, 12, 10)
    new = scan.stored[..., ::-1]
    write_scan(scan, new, tmp_path / "b.fits")
    with library.open(path) as a, library.open(tmp_path / "b.fits") as b:
        assert np.array_equal(a[0].data[..., ::-1], b[0].data) and len(b) == 2
        assert all(b[0].header[key] == value for key, value in a[0].header.items())
    write_scan(scan, new.repeat(2, 2).repeat(2, 3), tmp_path / "c.fits", zoom=2)
    header = library.getheader(tmp_path / "c.fits")
    assert (header["CRPIX1"], header["CDELT2"]) == (10.5, 0.05)


def test_nan_and_blank_of_fits_are_no_values(tmp_path):
    with_library("astropy.io.fits")
    whole, floats = made.numbers("i2"), made.numbers("f4")
    whole[0, 3, 4], floats[0, 3, 4] = -999, np.nan
    for name, pixels, cards in (("a", whole, {"BLANK": -999}), ("b", floats, {})):
        scan = read_scan(made.fits(tmp_path / f"{name}.fits", pixels, **cards))
        assert np.isnan(scan.values(0)[0, 3, 4]) and np.isnan(scan.values(0)).sum() == 1
        assert scan.extent[0] >= 100


@pytest.mark.parametrize("shape", [(12, 10), (3, 12, 10), (2, 3, 12, 10)])
@pytest.mark.parametrize("kind", ["u1", "f4", "c16"])
def test_arrays_keep_shape_and_type(tmp_path, kind, shape):
    array = made.numbers(kind, shape, high=200)
    np.save(tmp_path / "a.npy", array)
    scan = read_scan(tmp_path / "a.npy")
    write_scan(scan, scan.stored, tmp_path / "b.npy")
    again = np.load(tmp_path / "b.npy")
    assert again.dtype == array.dtype and np.array_equal(again, array)
    assert scan.stored.shape[1] == (1 if len(shape) == 2 else 3) * (2 if kind[0] == "c" else 1)


def test_numbers_come_back_to_the_step(tmp_path):
    """Of 8 and 16 bits all; of more what the 24 bits of a float32 tell apart."""
    for kind, step in (("u1", 0), ("u2", 0), ("i2", 0), ("u4", 2.0**9)):
        ends = np.iinfo(kind)
        ramp = np.linspace(ends.min, ends.max, 120).reshape(1, 12, 10).astype(kind)
        scan = read_scan(made.tiff(tmp_path / f"{kind}.tif", ramp, photometric="minisblack"))
        found = back(scan, (float(ends.min), float(ends.max)))
        assert np.abs(found.astype(float) - ramp.astype(float)).max() <= step
        assert found.dtype == np.dtype(kind)


def test_a_range_is_given_or_told_and_never_guessed(tmp_path):
    path = made.tiff(tmp_path / "a.tif", made.numbers("f4", (12, 10)))
    with pytest.raises(ImageError, match=r"float32 values from \S+ to \S+ have no agreed range"):
        load_image(path, channels=1)
    scan = read_scan(path)
    assert scan.range("values")[0] == scan.extent
    x = load_image(path, channels=1, range=(0, 4000))
    assert torch.allclose(x, torch.from_numpy(tifffile.imread(path))[None] / 2000 - 1)
    for wrong in ("auto", (1, 1), (0, 1, 2), (0, float("nan"))):
        with pytest.raises(ImageError, match="range must be"):
            load_image(path, range=wrong)


def test_grey_is_repeated_or_kept_and_colours_have_a_luminance(tmp_path):
    path = made.tiff(tmp_path / "a.tif", made.numbers("u1", (12, 10), high=200))
    grey, three = load_image(path, channels=1), load_image(path)
    assert grey.shape == (1, 12, 10) and torch.equal(three, grey.expand(3, -1, -1))
    assert load_image(path, channels=None).shape == (1, 12, 10)
    Image.new("RGB", (4, 4), (200, 100, 50)).save(tmp_path / "b.png")
    luminance = float(load_image(tmp_path / "b.png", channels=1)[0, 0, 0] + 1) * 127.5
    assert luminance == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=1e-3)
    with pytest.raises(ImageError, match="3 channels"):
        load_image(tmp_path / "b.png", channels=2)
