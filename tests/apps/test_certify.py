"""`inverse certify`: one page about a solver, ours or anybody's."""

import json

import pytest

SMALL = ["mixtures=false", "laws=[gauss]", "tasks=[impute]", "measurements=2", "samples=5"]
OWN = """
import torch
from certified_spread import spread
from inverse.levels import Level

def sample(prior, problem, rng):
    x = problem.operator.pinv(problem.y)
    return prior.denoise(x + spread * rng.normal(x.shape), Level(1.0, spread))
"""


def test_a_certificate_is_a_page_and_its_numbers(inverse, tmp_path):
    code, out, err, _ = inverse("solver=ddrm", "budget.nfe=5", *SMALL, app="certify")
    assert code == 0, err
    assert out.splitlines()[-1] == "certificate/index.html"
    record = json.loads((tmp_path / "certificate" / "certificate.json").read_text())
    assert record["solver"] == "ddrm" and record["rows"][0]["calls"] == 5
    assert len(record["rows"][0]["exact"]["misses"]) == 2
    page = (tmp_path / "certificate" / "index.html").read_text()
    assert "gauss, impute" in page and f"<dd>{record['machine']}</dd>" in page
    assert {"version", "commit", "torch", "python", "machine"} <= record.keys()


def test_a_solver_that_cannot_be_planned_is_stopped_where_the_budget_ends(inverse, tmp_path):
    words = ["solver=pnpdm", "budget.nfe=40", *SMALL]
    code, _, err, _ = inverse(*words, app="certify")
    assert code == 0, err
    record = json.loads((tmp_path / "certificate" / "certificate.json").read_text())
    assert record["rows"][0]["calls"] <= 40


def test_a_function_of_ones_own_is_certified(inverse, tmp_path):
    (tmp_path / "certified_spread.py").write_text("spread = 0.1")
    (tmp_path / "mine.py").write_text(OWN)
    code, out, err, _ = inverse("solver=mine.py:sample", "out=b", *SMALL, app="certify")
    assert code == 0, err
    assert (
        json.loads((tmp_path / "b" / "certificate.json").read_text())["solver"] == "mine.py:sample"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["laws=[cauchy]"], "unknown laws 'cauchy'"),
        (["laws=[]"], "nothing to certify on"),
        (["samples=3"], "samples must be from 4"),
        (["solver=mine.py:sample"], "function mine.py: no such file"),
        (["function=mine"], "function must be FILE.py:function"),
        (["solver=here.py:other"], "no function named 'other'"),
        (["solver=here.py:sample"], "every problem failed, the first with ZeroDivisionError"),
        (["solver=ddim"], "unknown solver 'ddim'"),
    ],
)
def test_what_cannot_be_certified_is_told_in_a_line(inverse, tmp_path, words, message):
    (tmp_path / "here.py").write_text("def sample(prior, problem, rng):\n    1 / 0\n")
    code, _, err, _ = inverse(*SMALL, *words, app="certify")
    assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err
