"""Groups of particles: one stream and one measurement for several rows."""

import pytest
import torch

from operators import Gaussian, Problem, Rng
from tests.operators.operator_cases import CASES, batch_of, draw


def test_each_stream_feeds_consecutive_rows():
    together = Rng([4, 7]).each(3).normal((6, 2, 5))
    assert torch.equal(together[:3], Rng([4]).each(3).normal((3, 2, 5)))
    assert torch.equal(together[3:], Rng([7]).each(3).normal((3, 2, 5)))
    assert len(Rng([4, 7]).each(3)) == 6 and len(Rng([4]).each(2).each(3)) == 6


def test_rows_of_a_group_are_independent_draws():
    x = Rng([1]).each(4000).normal((4000, 2), torch.float64)
    assert torch.allclose(torch.cov(x.T), torch.eye(2).double(), atol=0.08)
    assert not torch.equal(x[0], x[1])
    rate = torch.full((4000, 1), 3.0)
    assert abs(float(Rng([1]).each(4000).poisson(rate).mean()) - 3) < 0.15


def test_groups_share_the_generators_of_their_rng():
    rng, same = Rng([1, 2]), Rng([1, 2])
    rng.each(3).uniform((6, 2))
    same.uniform((2, 6))
    assert torch.equal(rng.normal((2, 9)), same.normal((2, 9)))
    saved = rng.each(3).state()
    after = rng.normal((2, 4))
    rng.each(5).restore(saved)
    assert torch.equal(rng.normal((2, 4)), after)


def test_groups_keep_the_kind_of_rng_and_refuse_what_they_cannot():
    class Own(Rng):
        pass

    assert isinstance(Own([0]).each(2), Own)
    with pytest.raises(TypeError, match="cannot be sliced"):
        Rng([0, 1]).each(2)[:1]
    with pytest.raises(ValueError, match="at least 1"):
        Rng([0]).each(0)


@pytest.mark.parametrize("name", ["blur", "inpaint per sample", "blur per sample", "composed"])
def test_a_repeated_problem_is_that_of_its_sample(name):
    operator = CASES[name]()
    count = batch_of(operator)
    x, y = draw(operator)
    y = operator.support(y)
    problem = Problem(operator, Gaussian([0.1 * (b + 1) for b in range(count)]), y)
    many = problem.repeat(2)
    assert len(many) == 2 * count
    twice = x.repeat_interleave(2, 0)
    assert torch.allclose(many.residual(twice)[::2], problem.residual(x), atol=1e-6)
    assert torch.equal(many.residual(twice)[::2], many.residual(twice)[1::2])
    assert torch.equal(many.sigma[::2], problem.sigma) and torch.equal(many.y[1::2], problem.y)
    prox = many.operator.prox(twice, many.y, many.sigma**2)
    assert torch.allclose(prox[1::2], operator.prox(x, problem.y, problem.sigma**2), atol=1e-5)
