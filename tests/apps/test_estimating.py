"""`inverse restore` of measurements whose noise nobody knows; `inverse errors`."""

import json

import numpy as np
import pytest
from PIL import Image

from inverse.denoise import ErrorSpectrum, beside
from inverse.files import write_atomic
from inverse.priors import save_prior
from tests.inverse.solver_cases import tiny_prior

SMALL = ["operator=identity", "size=null"]


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("words", [[], ["noise.sigma=estimate"]])
def test_the_noise_of_a_measurement_is_estimated_where_it_is_not_given(inverse, photo, words):
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, *words)
    assert code == 0, err
    found = metrics(folder)
    sigma, std = (found["estimated"]["sigma"][key][0] for key in ("mean", "std"))
    assert found["sigma"] == [pytest.approx(sigma)] and 0 < std < sigma and "sigma" in out


def test_a_noise_that_is_given_is_taken(inverse, photo):
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, "noise.sigma=0.2")
    assert code == 0 and metrics(folder)["sigma"] == 0.2 and not metrics(folder)["estimated"], err


def test_what_cannot_be_estimated_says_so(inverse, photo, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros((3, 512)))
    code, out, err, folder = inverse(
        f"measurement={tmp_path / 'y.npy'}", "operator=walsh_hadamard", "operator.ratio=0.5",
        "shape=[3,32,32]", "noise.sigma=estimate",
    )  # fmt: skip
    assert code == 1 and "cannot be estimated" in err, out + err
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, "solver=pnpdm_mean",
                                     "solver.steps=2", folder="mean")  # fmt: skip
    assert code == 0 and "0.05 is assumed" in out and metrics(folder)["sigma"] == 0.05, err
    code, _, err, _ = inverse("noise.sigma=estimate")
    assert code == 1 and "measurement" in err


def test_the_errors_of_a_prior_are_measured_and_kept_beside_it(inverse, tmp_path):
    weights, pictures = tmp_path / "other.safetensors", tmp_path / "pictures"
    save_prior(tiny_prior(), weights)
    pictures.mkdir()
    for k in range(3):
        Image.effect_noise((40, 36), 40 + k).convert("RGB").save(pictures / f"{k}.png")
    words = ["prior=file", f"prior.path={weights}", f"images={pictures}", "side=32", "count=2"]
    code, out, err, _ = inverse(*words, app="errors")
    assert code == 0 and "2 images" in out, err
    assert ErrorSpectrum.load(beside(weights)).variances.shape[:2] == (11, 3)
    write_atomic(beside(weights), "[]")
    code, _, err, _ = inverse(f"prior.path={weights}", "operator=identity")
    assert code == 1 and "inverse errors" in err
    beside(weights).unlink()
    code, _, err, _ = inverse(*words[:3], "side=64", app="errors")
    assert code == 1 and "smaller than side" in err
