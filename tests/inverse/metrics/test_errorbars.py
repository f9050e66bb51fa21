"""Error bars by the spread of samples."""

import pytest
import torch

from inverse.metrics import expected_error, relative_error


def drawn(count, std, seed=0):
    """Samples of a law whose standard deviation is known, and a truth from it."""
    stream = torch.Generator().manual_seed(seed)
    x = torch.randn(count + 1, 1, 3, 32, 32, generator=stream) * std
    return x[:-1], x[-1]


def test_honest_samples_tell_the_error_of_their_mean():
    samples, truth = drawn(8, 0.3)
    error = float((samples.mean(0) - truth).square().mean().sqrt())
    assert float(expected_error(samples).square().mean().sqrt()) == pytest.approx(error, rel=0.03)


def test_the_factor_of_honest_samples_is_that_of_the_normal_law():
    samples, truth = drawn(200, torch.linspace(0.1, 1, 32))
    found = float(relative_error(samples, truth, window=1).quantile(0.8))
    assert found == pytest.approx(1.2816, rel=0.04)


def test_a_variance_is_pooled_over_the_pixels_around():
    samples = torch.zeros(2, 1, 1, 9, 9)
    samples[0, ..., 4, 4], samples[1, ..., 4, 4] = 1.0, -1.0
    found = expected_error(samples)[0, 0].square()
    assert torch.allclose(found[2:7, 2:7], torch.tensor(2 * 1.5 / 25))
    assert float(found.sum()) == pytest.approx(2 * 1.5) and float(found[0, 0]) == 0


def test_samples_that_agree_are_never_wide_enough_unless_they_are_right():
    samples, truth = torch.zeros(3, 1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    truth[..., 0, 0] = 0.1
    found = relative_error(samples, truth)
    assert float(found[..., 0, 0]) == float("inf") and float(found.flatten()[1:].max()) == 0


@pytest.mark.parametrize(
    ("samples", "truth", "window", "said"),
    [
        (torch.zeros(1, 1, 3, 8, 8), torch.zeros(1, 3, 8, 8), 5, "at least 2"),
        (torch.zeros(2, 1, 3, 8, 8), torch.zeros(1, 1, 8, 8), 5, "truth"),
        (torch.zeros(2, 1, 3, 8, 8), torch.zeros(1, 3, 8, 8), 4, "odd"),
    ],
)
def test_what_cannot_be_told_is_refused(samples, truth, window, said):
    with pytest.raises(ValueError, match=said):
        relative_error(samples, truth, window)
