"""Verdicts on samplers that are known to be right, or wrong in a known way."""

import pytest
import torch

from inverse.certifying import Drawn, compare, control, examine, mixture, page, verdict
from operators import Rng


@pytest.fixture(scope="module")
def trial():
    return mixture(2, 12, 0)


def around(samples, factor):
    middle = samples.mean(1, keepdim=True)
    return middle + factor * (samples - middle)


def test_an_exact_sampler_has_no_fault(trial):
    row = control(trial, 19)
    other = compare(trial.others[:, 7::21], trial.draws)
    assert verdict(other, row) == "no fault found"
    assert row["spread"] == pytest.approx(1, abs=0.1)
    assert abs(row["gap"]) < 3 * row["gap_error"]
    assert row["nominal"] == pytest.approx([1 - k / 10 for k in range(1, 10)])
    for share, nominal in zip(row["coverage"], row["nominal"], strict=True):
        assert share == pytest.approx(nominal, abs=0.06)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: around(x, 0.5), "too sure"),
        (lambda x: around(x, 2.0), "too timid"),
        (lambda x: 1.2 * (x + 0.7 * x.std(1, keepdim=True)) - 0.2 * x, "too sure"),
    ],
)
def test_what_is_wrong_with_samples_is_told(trial, change, said):
    row = compare(change(trial.others[:, ::20]), trial.draws)
    assert verdict(row, control(trial, 20)) == said


def test_a_wrong_mean_under_wide_intervals_is_told():
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(12, 400, 5, generator=generator)
    moved = 1.25 * torch.randn(12, 19, 5, generator=generator) + 0.5
    exact = compare(torch.randn(12, 19, 5, generator=generator), draws)
    row = compare(moved, draws)
    assert verdict(row, exact) == "misplaced"
    assert row["gap"] == pytest.approx(0.25, abs=0.1)


def test_an_error_of_a_solver_stands_in_its_row(trial):
    def short(prior, problem, rng):
        return Drawn(problem.y[:, None, None], 3)

    def broken(prior, problem, rng):
        raise RuntimeError("no luck\nat all")

    rows = [examine(trial, draw, 5, 0) for draw in (short, broken)]
    assert "ValueError: gave (60, 1, 1, 2)" in rows[0]["error"]
    assert rows[1]["error"] == "RuntimeError: no luck"
    text = page("<title>", rows, {"a": "<b>"})
    assert "RuntimeError: no luck" in text and "<b>" not in text.split("<dl>")[1].split("</dl>")[0]
    assert "&lt;title&gt;" in text


def test_samples_are_those_of_the_seed(trial):
    def white(prior, problem, rng):
        assert isinstance(rng, Rng) and len(rng) == len(problem)
        return Drawn(rng.normal((len(problem), 1, 1, 8)), None)

    first, second, other = (examine(trial, white, 5, seed) for seed in (0, 0, 1))
    assert first["coverage"] == second["coverage"] != other["coverage"]


def test_more_samples_than_draws_are_refused(trial):
    with pytest.raises(ValueError, match="samples must be from 4 to 400, got 401"):
        control(trial, 401)


def test_values_that_are_the_same_in_all_draws_are_no_fault():
    generator = torch.Generator().manual_seed(0)
    draws, samples = (torch.randn(8, n, 3, generator=generator) for n in (400, 19))
    draws[..., 0] = samples[..., 0] = 0
    row = compare(samples, draws)
    assert row["coverage"][1] == pytest.approx(0.8, abs=0.04)
