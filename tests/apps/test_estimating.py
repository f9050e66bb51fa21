"""`inverse restore` of measurements whose noise nobody knows; `inverse errors`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.apps.estimating import estimates
from inverse.denoise import ErrorSpectrum, beside
from inverse.files import as_json, write_atomic
from inverse.priors import save_prior
from inverse.restoring import Report
from inverse.samplers import Found, Quantity
from inverse.solving import Result
from operators import Problem, Rng, blur_gaussian, gaussian, identity
from tests.inverse.solver_cases import tiny_prior
from tests.inverse.stationary import Stationary

SMALL = ["operator=identity", "size=null"]
UNKNOWN = ["operator=blur_unknown", "operator.size=9"]


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("words", [[], ["noise.sigma=estimate"]])
def test_the_noise_of_a_measurement_is_estimated_where_it_is_not_given(inverse, photo, words):
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, *words)
    assert code == 0, err
    found = metrics(folder)
    sigma, std = (found["estimated"]["sigma"][key][0] for key in ("mean", "std"))
    assert found["sigma"] == [pytest.approx(sigma)] and 0 < std < sigma and "sigma" in out


def test_the_noise_of_a_grey_measurement_is_estimated_too(inverse, photo, tmp_path):
    Image.open(photo).convert("L").save(tmp_path / "grey.png")
    code, out, err, folder = inverse(f"measurement={tmp_path / 'grey.png'}", *SMALL)
    assert code == 0 and "sigma" in metrics(folder)["estimated"], out + err


def test_a_noise_that_is_given_is_taken(inverse, photo):
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, "noise.sigma=0.2")
    assert code == 0 and metrics(folder)["sigma"] == 0.2 and not metrics(folder)["estimated"], err


PHOTONS = ["noise=poisson_gaussian", "noise.peak=estimate", "noise.read=estimate"]


def test_the_photons_of_a_measurement_are_estimated(inverse, photo):
    code, out, err, folder = inverse(f"measurement={photo}", *SMALL, *PHOTONS)
    assert code == 0, err
    found = metrics(folder)["estimated"]
    assert set(found) == {"peak", "read"} and found["peak"]["mean"][0] > 5 and "peak" in out
    code, _, err, _ = inverse(f"measurement={photo}", *SMALL, *PHOTONS[:2])
    assert code == 1 and "both" in err
    words = ["operator=blur_gaussian", "operator.size=5", "size=null"]
    code, _, err, _ = inverse(f"measurement={photo}", *words, *PHOTONS)
    assert code == 1 and "noise.peak cannot be estimated" in err and "each pixel" in err


def test_a_blur_that_nobody_knows_is_found_and_shown(inverse, tmp_path):
    x = Stationary(channels=3).sample((3, 48, 48), Rng([0])).float()
    y = blur_gaussian((3, 48, 48), size=9, std=1.2)(x) + 0.02 * Rng([1]).normal(x.shape)
    np.save(tmp_path / "y.npy", y[0].numpy())
    words = [f"measurement={tmp_path / 'y.npy'}", *UNKNOWN, "operator.padding=circular"]
    code, out, err, folder = inverse(*words, "operator.family=gaussian", "shape=[3,48,48]")
    assert code == 0 and " +- " in out.partition("std ")[2] and "sigma" in out, err
    mean, std = (metrics(folder)["estimated"]["std"][key][0] for key in ("mean", "std"))
    assert 0.3 <= mean <= 1.5 and std > 0
    assert Image.open(folder / "kernel.png").size == (9, 9)


def test_a_kernel_of_no_family_is_shown_with_how_sure_it_is(inverse, photo):
    words = [f"measurement={photo}", *UNKNOWN, "operator.family=free", "size=null"]
    code, out, err, folder = inverse(*words)
    assert code == 0 and "extent" in out, err
    assert {"extent", "sigma"} == set(metrics(folder)["estimated"])
    assert all(Image.open(folder / f"kernel{end}.png").size == (9, 9) for end in ("", "_std"))


def test_what_the_data_do_not_tell_is_said_and_no_number_given():
    silent = Found({"angle": Quantity(torch.tensor([90.0]), torch.tensor([torch.inf]))})
    assert estimates([silent]) == ["angle not told by the data"]
    x = torch.zeros(1, 3, 16, 16)
    result = Result(x, torch.ones(1), 1, 0, 0.1, True, found=(silent,))
    told = Report(None, Problem(identity(x.shape[1:]), gaussian(0.1), x), result).metrics()
    assert json.loads(as_json(told))["estimated"]["angle"] == {"mean": [None], "std": [None]}


def test_a_blur_is_found_of_what_was_measured_alone(inverse, photo):
    code, _, err, _ = inverse(*UNKNOWN, "operator.family=motion")
    assert code == 1 and "measurement=FILE" in err
    code, _, err, _ = inverse(f"measurement={photo}", *UNKNOWN, "size=null")
    assert code == 1 and "family=gaussian|" in err
    words = [f"measurement={photo}", *UNKNOWN, "operator.family=motion", "size=null"]
    code, _, err, _ = inverse(*words, "solver=pnpdm_mean", "solver.steps=2")
    assert code == 1 and "cannot be found by this solver" in err
    code, _, err, _ = inverse(*words, "solver=ddrm", "solver.steps=2", folder="ddrm")
    assert code == 1 and "singular value" in err


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
