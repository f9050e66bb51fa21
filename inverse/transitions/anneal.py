"""Annealing: what remains wrong with the estimate counts as part of the next level's noise."""

from torch import Tensor

from inverse.denoise import Memory, Move, Transition


class Anneal(Transition):
    """Noises the estimate afresh, by as much as the temperature says.

    `x_b = alpha_b x0 + temperature sigma_b n`.

    Temperature 0 is half-quadratic splitting (plug-and-play), whose levels are a schedule of
    penalties: a point estimate. Temperature 1 restarts from fresh noise, as `Renoise(1)`. Between
    them the estimate's own error makes up for the missing noise.

    Reference: Zhang et al., 2021, arXiv:2008.13751, Alg. 1 (temperature 0).
    """

    def __init__(self, temperature: float = 0.0) -> None:
        if not 0 <= temperature <= 1:
            raise ValueError(f"Anneal: temperature must be in [0, 1], got {temperature}")
        self.temperature = temperature

    def step(self, move: Move, memory: Memory) -> tuple[Tensor, Memory]:
        x, b = move.est.x0 * move.b.alpha, move.b
        if self.temperature > 0 and b.sigma > 0:
            x.add_(move.rng.normal(x.shape), alpha=self.temperature * b.sigma)
        return x, memory
