"""`inverse restore` of files: photographs, and measurements whose truth nobody knows."""

import json

import numpy as np
import pytest
from PIL import Image


def test_a_folder_of_photos_gives_a_folder_of_results(inverse, photo):
    code, _, _, folder = inverse(f"image={photo.parent}", "size=null")
    assert code == 0 and (folder / "restored.png").is_file()
    Image.open(photo).rotate(90).save(photo.parent / "second.png")
    code, _, _, folder = inverse(f"image={photo.parent}", "size=24", folder="many")
    assert code == 0
    assert (folder / "photo" / "panel.png").is_file() and (folder / "second").is_dir()


def test_real_mode_restores_a_measurement_and_scores_nothing(inverse, photo, tmp_path):
    mask = tmp_path / "mask.png"
    Image.linear_gradient("L").resize((40, 36)).point(lambda v: 255 * (v > 99)).save(mask)
    code, out, err, folder = inverse(
        f"measurement={photo}", "operator=inpaint_file", f"operator.mask={mask}", "size=null"
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and "psnr" not in metrics and "PSNR" not in out, err
    assert Image.open(folder / "restored.png").size == (40, 36)


def test_a_measurement_that_is_no_picture_is_restored_from_its_values(inverse, tmp_path):
    sensing = ["operator=walsh_hadamard", "operator.ratio=0.5", "operator.seed=7"]
    code, _, err, first = inverse(*sensing)
    assert code == 0, err
    real = [*sensing, f"measurement={first / 'measurement.npy'}"]
    code, _, err, folder = inverse(*real, "shape=[3,32,32]", folder="real")
    assert code == 0, err
    values = [np.load(f / "measurement.npy") for f in (first, folder)]
    assert (values[0] == values[1]).all() and "psnr" not in (folder / "metrics.json").read_text()
    (tmp_path / "words.npy").write_text("no array")
    for bad, message in (
        (real, "shape=[3,256,256]"),
        ([*real, "shape=[3,64,64]"], "the file holds"),
        ([*sensing, "measurement=none.npy", "shape=[3,32,32]"], "no such file"),
        ([*sensing, "measurement=words.npy", "shape=[3,32,32]"], "numpy.save"),
    ):
        code, _, err, _ = inverse(*bad, folder="bad")
        assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err


def test_a_saved_jpeg_is_a_measurement(inverse, photo, tmp_path):
    Image.open(photo).save(tmp_path / "photo.jpg", quality=10)
    code, _, err, folder = inverse(
        f"measurement={tmp_path / 'photo.jpg'}", "operator=jpeg", "operator.quality=10",
        "solver=dps", "solver.steps=2", "size=null",
    )  # fmt: skip
    assert code == 0 and Image.open(folder / "restored.png").size == (40, 36), err


@pytest.mark.parametrize("operator", ["downsample", "downsample_bicubic"])
def test_real_super_resolution_enlarges(inverse, photo, operator):
    code, _, err, folder = inverse(f"measurement={photo}", f"operator={operator}", "size=null")
    assert code == 0 and Image.open(folder / "restored.png").size == (160, 144), err


def test_a_real_mosaic_and_a_padded_blur(inverse, photo):
    code, _, err, folder = inverse(f"measurement={photo}", "operator=bayer", "size=null")
    assert code == 0 and Image.open(folder / "restored.png").mode == "RGB", err
    small = ["operator=blur_gaussian", "operator.size=9", "operator.padding=reflect"]
    code, _, err, folder = inverse(*small, folder="padded")
    assert code == 0, err
    assert "Separable" in json.loads((folder / "metrics.json").read_text())["operator"]
