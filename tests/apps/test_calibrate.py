"""`inverse calibrate`, and `inverse restore` with what it wrote."""

import json

import numpy as np
import pytest

WALK = ("solver=nested_sharp", "solver.outer_steps=2", "solver.inner_most=2")


@pytest.fixture
def calibrated(inverse, photos, weights):
    """The error bars of two samples, in bars.json."""
    prior = ("prior=file", f"prior.path={weights}")
    code, out, err, _ = inverse(*WALK, *prior, "images=photos", "samples=2", app="calibrate")
    assert code == 0, err
    assert "2 samples on 1 pictures" in out and "80% by" in out
    return inverse


def test_a_restoration_has_the_bars_that_were_measured(calibrated, photos):
    code, _, err, folder = calibrated(*WALK, "samples=2", "bars=bars.json")
    assert code == 0, err
    told = json.loads((folder / "metrics.json").read_text())["error_bars"]
    assert told["share"] == 0.8 and told["factor"] > 0 and 0 <= told["held"] <= 1
    half = np.load(folder / "error.npy")
    assert half.shape == (3, 32, 32) and half.mean() == pytest.approx(told["mean"], rel=1e-4)
    assert (folder / "error.png").is_file()


def test_the_pictures_they_were_measured_on_hold_their_share(calibrated, photos):
    words = ("image=photos", "size=16", "samples=2", "bars=bars.json")
    code, _, err, folder = calibrated(*WALK, *words)
    assert code == 0, err
    told = json.loads((folder / "metrics.json").read_text())["error_bars"]
    assert told["held"] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("samples=3",), "another samples"),
        (("samples=2", "noise.sigma=0.2"), "another noise"),
        (("samples=2", "operator=identity"), "another operator"),
        (("samples=2", "solver.lam=0.3"), "another solver"),
        (("samples=2", "budget.nfe=2"), "leave out budget"),
    ],
)
def test_bars_of_something_else_are_refused(calibrated, words, said):
    code, _, err, _ = calibrated(*WALK, *words, "bars=bars.json")
    assert code == 1 and said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "images is missing"),
        (("images=photos", "samples=1"), "one has no spread"),
        (("images=nowhere",), "nowhere"),
        (("images=photos", "operator=phase_retrieval"), "linear"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line(inverse, photos, weights, words, said):
    prior = ("prior=file", f"prior.path={weights}")
    code, _, err, _ = inverse(*WALK, *prior, *words, app="calibrate")
    assert code == 1 and said in err and err.count("\n") == 1
