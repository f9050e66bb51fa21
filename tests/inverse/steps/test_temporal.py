"""The data step of clips: the closed form, conjugate gradients and the dense solution agree."""

import pytest
import torch

from inverse.images.motion import estimated, sources
from inverse.levels import Level
from inverse.steps import Prox, TemporalProx
from operators import Problem, Rng, blur_gaussian, framewise, gaussian, temporal_average

C, T, H, W = 1, 4, 4, 4
SIZE = C * T * H * W
SIGMA, LAM, MU, NSR = 0.3, 0.5, 2.0, 0.4
LEVEL = Level(1.0, NSR)


def clip(seed: int = 0) -> torch.Tensor:
    return Rng([seed, seed + 1]).normal((2, C, T, H, W), torch.float64)


def problem(operator) -> Problem:
    operator = operator.to(torch.float64)
    y = operator(clip(10))
    return Problem(operator, gaussian(SIGMA).to(y), y)


def dense(operator, motion: torch.Tensor | None) -> torch.Tensor:
    """The minimiser for the first clip from the matrices of A and of the differences."""
    basis = torch.eye(SIZE, dtype=torch.float64).view(SIZE, C, T, H, W)
    matrix = operator(basis).flatten(1).T
    change = torch.zeros((T - 1) * H * W, SIZE, dtype=torch.float64)
    for t in range(1, T):
        for p in range(H * W):
            before = p if motion is None else int(sources(motion, T, H, W)[t, p])
            if before < H * W:
                row = (t - 1) * H * W + p
                change[row, t * H * W + p] = 1
                change[row, (t - 1) * H * W + before] = -1
    given = problem(operator)
    left = matrix.T @ matrix / SIGMA**2 + torch.eye(SIZE) * LAM / NSR**2 + MU * change.T @ change
    right = matrix.T @ given.y[0].flatten() / SIGMA**2 + clip()[0].flatten() * LAM / NSR**2
    return torch.linalg.solve(left, right).view(C, T, H, W)


def moving(rows: float, columns: float) -> torch.Tensor:
    return torch.tensor([rows, columns], dtype=torch.float64)[None, :, None, None].expand(
        T, 2, H, W
    )


SAME = framewise(blur_gaussian((C, H, W), size=3, std=0.8), T).to(torch.float64)
MIXING = temporal_average((C, T, H, W), 2).to(torch.float64)


@pytest.mark.parametrize("operator", [SAME, MIXING], ids=["cosines", "gradients"])
@pytest.mark.parametrize("motion", [None, moving(1, -1)], ids=["still", "moving"])
def test_the_step_is_the_minimiser(operator, motion):
    found = TemporalProx(LAM, MU, motion)(clip(), LEVEL, problem(operator), Rng([0, 1]))
    torch.testing.assert_close(found[0], dense(operator, motion), rtol=1e-4, atol=1e-5)


def test_without_a_tie_it_is_the_proximal_step():
    given = problem(SAME)
    tied = TemporalProx(LAM, 0.0)(clip(), LEVEL, given, Rng([0, 1]))
    assert torch.equal(tied, Prox(LAM)(clip(), LEVEL, given, Rng([0, 1])))


def test_a_strong_tie_makes_all_frames_the_mean_frame():
    given = problem(SAME)
    x = TemporalProx(LAM, 1e8)(clip(), LEVEL, given, Rng([0, 1]))
    inner = blur_gaussian((C, H, W), size=3, std=0.8).to(torch.float64)
    mean = Problem(inner, gaussian(SIGMA).to(given.y), given.y.mean(2))
    one = Prox(LAM)(clip().mean(2), LEVEL, mean, Rng([0, 1]))
    torch.testing.assert_close(x, one[:, :, None].expand_as(x), rtol=1e-5, atol=1e-6)


def test_motion_of_another_size_is_refused_in_words():
    step = TemporalProx(LAM, MU, moving(0, 0)[:-1])
    with pytest.raises(ValueError, match="motion must be"):
        step(clip(), LEVEL, problem(SAME), Rng([0, 1]))


def panned(steps: list[int]) -> torch.Tensor:
    wide = torch.nn.functional.avg_pool2d(Rng([3]).normal((1, 3, 60, 76)), 25, 1, 12)[0]
    wide = 0.4 * wide / wide.std()
    return torch.stack([wide[:, :48, step : step + 48] for step in steps], 1)


@pytest.mark.parametrize(("steps", "span"), [([0, 2, 4, 6], 1), ([0, 0, 0, 6, 6, 6], 3)])
def test_a_pan_is_estimated_from_the_clip(steps, span):
    """Also where three frames in a row are one exposure."""
    pytest.importorskip("skimage")
    found = estimated(panned(steps), span)[1:, :, 8:-8, 8:-8]
    assert float(found[:, 0].abs().mean()) < 0.3
    assert float(found[:, 1].mean()) == pytest.approx(-2.0, abs=0.3)


def test_a_span_longer_than_the_clip_is_refused():
    with pytest.raises(ValueError, match="span must be in 1..3"):
        estimated(panned([0, 1, 2, 3]), 4)
