"""`inverse restore restorer=...`, and restorers as rows of a benchmark."""

import json

import pytest

OWN = """
from inverse.starts import wiener

def restore(problem):
    return wiener(problem)
"""
DENOISE = ["operator=identity", "noise.sigma=0.2"]


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_a_walk_begins_at_what_a_restorer_of_ones_own_makes(inverse, photo, own):
    words = [f"image={photo}", *DENOISE, "solver=diffpir", "solver.steps=20"]
    told = []
    for more in ([], [f"restorer={own}:restore"], [f"restorer={own}:restore", "error=0.3"]):
        code, _, err, folder = inverse(*words, *more, folder=f"out{len(told)}")
        assert code == 0, err
        told.append(json.loads((folder / "metrics.json").read_text())["psnr"][0])
    assert len(set(told)) == 3


def test_a_restorer_is_a_solver_of_one_step(inverse, photo, own):
    words = [f"image={photo}", *DENOISE, "solver=once", f"solver.restorer={own}:restore"]
    code, _, err, folder = inverse(*words)
    assert code == 0 and json.loads((folder / "metrics.json").read_text())["nfe"] == 0, err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restorer=own.py:other"], "no function named 'other'"),
        (["restorer=none.py:restore"], "no such file"),
        (["restorer=own.py:restore", "operator=walsh_hadamard"], "give error="),
        (["restorer=own.py:restore", "image=null", "measurement=photo.png"], "give error="),
    ],
)
def test_a_restorer_that_cannot_serve_says_why(inverse, photo, own, words, said):
    code, _, err, _ = inverse("operator=identity", *words)
    assert code == 1 and said in err and len(err.splitlines()) == 1
