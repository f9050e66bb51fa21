"""What an `Rng` draws has the precision that it is told."""

import torch

from operators import Rng


def test_draws_have_the_dtype_that_the_streams_are_told():
    rng = Rng([0]).of(torch.float64)
    assert rng.normal((1, 2)).dtype == rng.uniform((1, 2)).dtype == torch.float64
    assert rng.each(2).normal((2, 2)).dtype == rng[:1].normal((1, 2)).dtype == torch.float64
    assert rng.normal((1, 2), torch.float32).dtype == Rng([0]).normal((1, 2)).dtype == torch.float32
