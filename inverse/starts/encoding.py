"""Encoding: a warm start that the prior's own flow, run upwards, makes of a crude restoration."""

from itertools import pairwise

from torch import Tensor, nn

from inverse.denoise import LINEAR, Denoiser, Estimate, Move, Transition
from inverse.levels import Grid, Level
from inverse.starts.start import Start, wiener
from operators import Problem, Rng


class Encoded(nn.Module, Start):
    """The state from which the deterministic flow of ``denoiser`` comes down to a given image.

    ``x = alpha w`` at the cleanest level of the grid, then ``transition`` from level to level up to
    the one asked for. Deterministic: no noise is drawn. Costs one network call per level above the
    cleanest (twice that with Heun's transition), which count like any other.

    Reference: Su et al., 2022, arXiv:2203.08382 (DDIB), Alg. 1; Song et al., 2021,
    arXiv:2010.02502, sec. 4.3 (DDIM); Wu and De la Torre, 2022, arXiv:2210.05559.

    Args:
        denoiser: the prior whose latent it becomes.
        transition: a deterministic one, such as DDIM(0) or Heun.
        grid: the levels, walked upwards; CLEAN left out.
        image: w, (1 or B, C, H, W) in [-1, 1]; None for the `wiener` restoration of the data.
    """

    image: Tensor | None

    def __init__(
        self, denoiser: Denoiser, transition: Transition, grid: Grid, image: Tensor | None = None
    ) -> None:
        super().__init__()
        self.denoiser, self.transition, self.grid = denoiser, transition, grid
        self.register_buffer("image", image, persistent=False)
        own = frozenset({LINEAR}) if image is None else frozenset()
        self.requires = own | denoiser.requires | transition.requires

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        def denoise(x: Tensor, level: Level) -> Estimate:
            return self.denoiser(x, level, problem, rng)

        levels = self.grid(level)[-2::-1]
        x = self._crude(problem, len(rng)) * levels[0].alpha
        memory = self.transition.init()
        for a, b in pairwise(levels):
            move = Move(x, denoise(x, a), a, b, problem, rng, denoise)
            x, memory = self.transition.step(move, memory)
        return x

    def _crude(self, problem: Problem, count: int) -> Tensor:
        if self.image is None:
            return wiener(problem)
        return self.image.expand(count, *problem.operator.in_shape)
