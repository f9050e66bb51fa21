"""A data step taken at the state instead of the estimate."""

from torch import Tensor

from inverse.denoise import DataFlow, DataStep, Evaluation
from inverse.levels import Level


class Stepped(DataFlow):
    """``x <- alpha step(x / alpha)``: the whole step, at the level of the state, no denoising.

    For chains whose states are images themselves, as those of a Gibbs sampler.

    Raises:
        ValueError: in a splitting that divides the data's part; a step has no half.
    """

    def __init__(self, step: DataStep) -> None:
        self.step, self.requires = step, step.requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        if fraction != 1:
            raise ValueError("Stepped: a data step cannot be divided; give the data one stage")
        x = ev.x / ev.level.alpha
        return self.step(x, ev.level, ev.problem, ev.rng) - x
