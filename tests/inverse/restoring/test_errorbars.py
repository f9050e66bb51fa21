"""Error bars that were measured, and their file."""

import pytest
import torch

from inverse.metrics import relative_error
from inverse.restoring import ErrorBars

SETTING = {"operator": {"sigma": 2.0}, "solver": {"lam": 0.5}}


def pictures(seed, width):
    """Samples whose spread is `1 / width` of what it should be, and the truth."""
    stream = torch.Generator().manual_seed(seed)
    x = torch.randn(9, 1, 1, 32, 32, generator=stream)
    return x[:8] / width, x[8] - x[:8].mean(0) * (1 - 1 / width)


def test_widened_bars_hold_their_share_of_other_pictures():
    errors = [relative_error(*pictures(seed, 3.0)) for seed in range(8)]
    bars = ErrorBars.measured(errors, 8, SETTING)
    assert 2.5 * 1.28 < bars.factors[0.8] < 3.5 * 1.28
    for share in bars.factors:
        held = []
        for seed in range(100, 108):
            samples, truth = pictures(seed, 3.0)
            half = bars.half_width(samples, share)
            held.append(((samples.mean(0) - truth).abs() <= half).float().mean())
        assert float(torch.stack(held).mean()) == pytest.approx(share, abs=0.03)


def test_a_file_gives_back_what_was_written(tmp_path):
    bars = ErrorBars({0.5: 1.0, 0.8: 2.0, 0.95: 3.5}, 8, 4, SETTING)
    bars.save(tmp_path / "bars.json")
    assert ErrorBars.load(tmp_path / "bars.json") == bars


def test_bars_of_something_else_are_refused_by_its_name():
    bars = ErrorBars({0.8: 2.0}, 8, 4, SETTING)
    bars.check(8, SETTING)
    with pytest.raises(ValueError, match="another operator"):
        bars.check(8, SETTING | {"operator": {"sigma": 3.0}})
    with pytest.raises(ValueError, match="another samples"):
        bars.check(4, SETTING)


def test_a_solver_without_spread_has_no_bars():
    with pytest.raises(ValueError, match="do not differ"):
        ErrorBars.measured([torch.full((8,), float("inf"))], 2, SETTING)


def test_bars_that_no_file_could_hold_are_not_measured():
    errors = torch.ones(100)
    errors[90:] = float("inf")
    with pytest.raises(ValueError, match="do not differ"):
        ErrorBars.measured([errors], 2, SETTING)


@pytest.mark.parametrize("content", ["", "[]", '{"factors": 1}', '{"factors": {}, "who": 1}'])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "bars.json").write_text(content)
    with pytest.raises(ValueError, match="no file of inverse calibrate"):
        ErrorBars.load(tmp_path / "bars.json")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        ErrorBars.load(tmp_path / "bars.json")
