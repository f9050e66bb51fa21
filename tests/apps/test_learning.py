"""`inverse train measurements=...`: a prior from measurements, and what is refused in a line."""

import numpy as np
import pytest

from inverse.priors import load_prior

SMALL = ["network=stem", "network.channels=[8,8]", "network.layers=1", "recipe.patch=8"]
SMALL += ["+recipe.steps=3", "recipe.batch=2", "laps=2", "rank=2", "noise.sigma=0.1", "device=cpu"]


@pytest.fixture
def measured(tmp_path):
    draw = np.random.default_rng(0)
    y = draw.normal(scale=0.3, size=(20, 3, 8, 8)).astype(np.float32)
    y[draw.random((20, 1, 8, 8)).repeat(3, 1) < 0.5] = np.nan
    np.save(tmp_path / "y.npy", y)
    return tmp_path / "y.npy"


def test_a_prior_is_learned_from_measurements_and_learning_goes_on_where_it_was(inverse, measured):
    words = [f"measurements={measured}", "out=learned", *SMALL]
    code, out, err, folder = inverse(*words, app="train", folder="learned")
    assert code == 0, err
    assert "lap 0  evidence" in out and "lap 1  evidence" in out
    assert load_prior(folder / "prior.safetensors").config["kind"] == "stem"
    assert len(list((folder / "lap-01" / "completed").glob("*.png"))) == 18
    again = inverse(*words, app="train", folder="learned")[1]
    assert evidence(again) == evidence(out)


def evidence(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("lap ")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["network=local"], "a prior that is told the noise of every value"),
        (["recipe.patch=16"], "recipe.patch=16 trains on"),
        (["solver=nested"], "of the variance of exact ones"),
        (["heldout=0.0"], "cannot hold out"),
    ],
)
def test_what_measurements_cannot_be_learned_from_is_said_in_a_line(inverse, measured, words, said):
    chosen = {word.split("=")[0] for word in words}
    small = [word for word in SMALL if word.lstrip("+").split("=")[0] not in chosen]
    if "network=local" in words:
        small = [word for word in small if not word.startswith("network.")]
    code, _, err, _ = inverse(f"measurements={measured}", *small, *words, app="train")
    assert code != 0 and said in err and len(err.strip().splitlines()) == 1


def test_neither_images_nor_measurements_is_said(inverse):
    code, _, err, _ = inverse(app="train")
    assert code != 0 and "images is missing" in err
