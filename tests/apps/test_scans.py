"""`inverse restore` of scientific files: into a file like the one read, in its units."""

import numpy as np
import pytest
import torch

from inverse.images.scans import read_scan
from tests.inverse.images import scan_files as made

NOISELESS = ["operator=identity", "noise.sigma=0", "solver=ddnm", "solver.steps=2", "size=null"]


def restored(inverse, *words, out="out"):
    code, said, err, folder = inverse(*NOISELESS, *words, folder=out)
    assert code == 0, err
    return said, folder


FILES = {
    "tiff": ("a.tif", lambda p: made.tiff(p, made.numbers("u2", (12, 10))), None),
    "dicom": ("a.dcm", lambda p: made.dicom(p, made.numbers("u2", (12, 10))), "pydicom"),
    "nifti": ("a.nii.gz", lambda p: made.nifti(p, made.numbers("u2")), "nibabel"),
    "fits": ("a.fits", lambda p: made.fits(p, made.numbers("u2")), "astropy"),
    "numpy": ("a.npy", lambda p: np.save(p, made.numbers("u2", (12, 10))), None),
}


@pytest.mark.parametrize(("name", "make", "library"), FILES.values(), ids=FILES)
def test_a_file_that_is_measured_whole_comes_back_the_same(inverse, name, make, library, tmp_path):
    if library:
        pytest.importorskip(library, reason="the extra files is not installed")
    make(tmp_path / name)
    key = "image" if name.endswith("npy") else "measurement"
    said, _ = restored(inverse, f"{key}={name}", f"out=b_{name}")
    before, after = read_scan(tmp_path / name), read_scan(tmp_path / f"b_{name}")
    assert np.array_equal(after.stored, before.stored) and after.stored.dtype == before.stored.dtype
    assert after.limits == before.limits and f"-> b_{name}" in said
    if key == "measurement":
        assert f"white {before.limits[1]:g}" in said and "a sigma of 0.1 is" in said


def test_pages_that_are_not_asked_for_stay_as_they_are(inverse, tmp_path):
    made.tiff(tmp_path / "a.tif", made.numbers("u2", (4, 12, 10)))
    code, _, err, folder = inverse(
        "measurement=a.tif", "operator=identity", "pages=[1,3]", "out=b.tif", "size=null"
    )
    assert code == 0, err
    before, after = read_scan(tmp_path / "a.tif").stored, read_scan(tmp_path / "b.tif").stored
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert sorted(f.parent.name for f in folder.rglob("restored.png")) == ["1", "3"]
    code, _, err, _ = inverse("measurement=a.tif", "operator=identity", "pages=[4]")
    assert code == 1 and "has no page 4" in err


def test_floats_want_a_range_and_come_back_in_it(inverse, tmp_path):
    pixels = made.numbers("f4", (12, 10)) + 0.25
    made.tiff(tmp_path / "a.tif", pixels)
    code, _, err, _ = inverse("measurement=a.tif", "operator=identity", "out=b.tif")
    assert code == 1 and "have no agreed range" in err and "range=[" in err
    for given in ("[0,4000]", "values"):
        restored(inverse, "measurement=a.tif", f"range={given}", "out=b.tif")
        again = read_scan(tmp_path / "b.tif").stored[0, 0]
        assert np.abs(again - pixels).max() < 1e-3 and again.dtype == np.float32


def test_a_finer_picture_is_written_with_finer_pixels(inverse, tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="scikit-image brings tifffile")
    made.tiff(tmp_path / "a.tif", made.numbers("u2", (12, 10)))
    words = ["operator=downsample", "operator.factor=2", "measurement=a.tif", "out=b.tif"]
    code, _, err, _ = inverse(*words)
    assert code == 0, err
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].shape == (24, 20) and file.pages[0].tags.valueof(282) == (10000, 1)


def test_what_is_not_measured_is_restored(inverse, tmp_path):
    pixels = made.numbers("f4", (12, 10))
    pixels[3, 4] = np.nan
    made.tiff(tmp_path / "a.tif", pixels)
    said, folder = restored(inverse, "measurement=a.tif", "range=[0,4000]", "out=b.tif")
    again = read_scan(tmp_path / "b.tif").stored[0, 0]
    assert "1 values are NaN, and not measured" in said
    assert np.isfinite(again).all() and np.abs(again - pixels)[~np.isnan(pixels)].max() < 1e-3
    code, _, err, _ = inverse("image=a.tif", "range=[0,4000]", "operator=identity")
    assert code == 1 and "restore it as measurement=" in err


def test_a_photograph_keeps_what_stands_beside_its_pixels(inverse, photo, tmp_path):
    from PIL import Image

    with Image.open(photo) as picture:
        picture.save(tmp_path / "scan.png", dpi=(600, 600))
    restored(inverse, "measurement=scan.png", "out=b.png")
    with Image.open(tmp_path / "b.png") as again, Image.open(photo) as picture:
        assert np.array_equal(again, picture)
        assert again.info["dpi"] == pytest.approx((600, 600), abs=0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["measurement=a.tif", "out=b.png"], "must be of the kind of the file that was read: .tif"),
        (["measurement=a.tif", "out=b.tif", "channels=3"], "say channels="),
        (["image=a.tif", "out=b.tif", "size=8"], "leave out size="),
        (["image=astronaut", "out=b.png"], "is no file of its own"),
        (["measurement=a.tif", "out=nowhere/b.tif", "solver.outer_steps=1"], "cannot write"),
        (["measurement=a.tif", "range=auto"], "range must be two numbers"),
        (["measurement=a.tif", "pages=[-1]"], "pages must be"),
    ],
)
def test_an_output_that_cannot_be_is_told_at_once(inverse, tmp_path, words, message):
    made.tiff(tmp_path / "a.tif", made.numbers("u2", (12, 10)))
    code, _, err, _ = inverse("operator=identity", *words)
    assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err
    assert not list(tmp_path.glob("b.*"))


def test_a_folder_gives_a_folder_and_names_what_it_skips(inverse, tmp_path):
    (tmp_path / "slides").mkdir()
    for name in ("a.tif", "b.tif"):
        made.tiff(tmp_path / "slides" / name, made.numbers("u2", (12, 10)))
    (tmp_path / "slides" / "notes.txt").write_text("stained on Monday")
    said, _ = restored(inverse, "measurement=slides", "out=made")
    assert "skipped, no pictures by their names: notes.txt" in said
    for name in ("a.tif", "b.tif"):
        before, after = (read_scan(tmp_path / f / name).stored for f in ("slides", "made"))
        assert np.array_equal(before, after)


def test_a_truth_scores_a_measurement(inverse, photo, tmp_path):
    import json

    words = ["operator=identity", "noise.sigma=0.1", "size=null"]
    _, _, err, first = inverse(f"image={photo}", *words)
    shape = "shape=[3,36,40]"
    y = f"measurement={first / 'measurement.npy'}"
    code, said, err, folder = inverse(y, *words, shape, f"truth={photo}", folder="scored")
    assert code == 0 and "PSNR" in said, err
    psnr = json.loads((folder / "metrics.json").read_text())["psnr"][0]
    assert psnr == pytest.approx(json.loads((first / "metrics.json").read_text())["psnr"][0], abs=1)
    code, _, err, _ = inverse(y, *words, shape, "truth=astronaut", folder="other")
    assert code == 1 and "the image behind the measurement is" in err


def test_dark_and_flat_frames_are_taken_from_a_measurement(inverse, tmp_path):
    share = made.numbers("f8", (12, 10), 10, 90) / 100
    dark, flat = np.full((12, 10), 100.0), np.full((12, 10), 3000.0)
    flat[2, 5] = dark[2, 5]  # a dead pixel
    made.tiff(tmp_path / "a.tif", (share * (flat - dark) + dark).round().astype("u2"))
    made.tiff(tmp_path / "dark.tif", np.stack([dark - 1, dark + 1]).astype("u2"))
    np.save(tmp_path / "flat.npy", flat)
    said, folder = restored(inverse, "measurement=a.tif", "dark=dark.tif", "flat=flat.npy")
    assert "1 values are NaN, and not measured" in said and "the share of light" in said
    y = (np.load(folder / "measurement.npy")[0] + 1) / 2
    kept = np.arange(120).reshape(12, 10) != 25
    assert np.abs(y - share)[kept].max() < 1e-3
    code, _, err, _ = inverse(
        "measurement=a.tif", "flat=flat.npy", "operator=identity", "out=b.tif"
    )
    assert code == 1 and "leave out out=" in err


def test_counts_of_a_tomograph_become_line_integrals_in_its_units(inverse, tmp_path):
    from operators import radon

    shape, attenuation = (1, 16, 16), np.zeros((16, 16), "f4")
    attenuation[5:11, 4:12] = 0.02  # per pixel of 2 mm: 0.02 per mm
    integrals = radon(shape, 30, pixel=2.0)(torch.from_numpy(attenuation)[None, None])[0].numpy()
    np.save(tmp_path / "counts.npy", np.exp(-integrals) * 5e4 + 30)
    np.save(tmp_path / "dark.npy", np.float64(30))
    np.save(tmp_path / "flat.npy", np.full(integrals.shape[-1], 5e4 + 30))
    words = ["measurement=counts.npy", "dark=dark.npy", "flat=flat.npy", "absorbed=true"]
    words += ["operator=radon", "operator.angles=30", "operator.pixel=2", "shape=[1,16,16]"]
    words += ["range=[0,0.04]", "noise.sigma=0.01", "solver=diffpir", "solver.steps=3"]
    code, said, err, folder = inverse(*words)
    assert code == 0, err
    y = np.load(folder / "measurement.npy")
    middle = radon(shape, 30, pixel=2.0)(torch.full((1, *shape), 0.02))[0].numpy()
    assert (
        np.abs(y * 0.02 + middle - integrals).max() < 1e-5
    )  # of x' in [-1, 1], x = 0.02 + 0.02 x'


def test_what_is_transparent_of_a_photograph_is_its_own_mask(inverse, photo, tmp_path):
    from PIL import Image

    with Image.open(photo) as picture:
        holes = picture.convert("RGBA")
    alpha = np.full((36, 40), 255, np.uint8)
    alpha[8:20, 10:30] = 0
    holes.putalpha(Image.fromarray(alpha))
    holes.save(tmp_path / "holes.png")
    words = ["measurement=holes.png", "operator=inpaint_file", "operator.mask=holes.png"]
    code, said, err, folder = inverse(*words, "noise.sigma=0.02")
    assert code == 0 and "opaque = kept" in said, err
    kept = np.load(folder / "measurement.npy") != 0
    assert (kept.any(0) == (alpha > 0)).all()
