"""Cycle: encode a crude restoration with the prior, decode it with prior and data."""

from itertools import pairwise

from torch import Tensor, nn

from inverse.denoise import LINEAR, Conditioned, Denoiser, Estimate, Move, Prior, Transition
from inverse.levels import Grid, Level
from inverse.samplers import Process
from inverse.starts import Start, wiener
from inverse.steps import Prox
from inverse.transitions import DDIM
from operators import Problem, Rng


class Encoded(nn.Module, Start):
    """The state from which the deterministic flow of `denoiser` comes down to a given image.

    `x = alpha w` at the cleanest level of the grid, then `transition` from level to level up to
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


def cycle(
    prior: Prior,
    *,
    steps: int = 10,
    encode: int = 7,
    start: float = 0.5,
    end: float = 0.03,
    lam: float = 0.23,
) -> Process:
    """Carry the Wiener restoration up the prior's probability flow, come down with the data.

    Up, from nsr `end` to `start` in `encode` network calls: `x += (nsr' - nsr) noise(x)`.
    Down in `steps` calls, the same with the denoiser `prox(x0(x))`, prior variance
    `nsr^2 / lam`. No noise is drawn: one answer per measurement, near the crude one in all that
    the data do not settle, its faults included. Linear operators; no backward pass.

    Reference: Su et al., 2022, arXiv:2203.08382, Alg. 1 (two models there: here the prior and the
    posterior); Wu and De la Torre, 2022, arXiv:2210.05559 (CycleDiffusion).
    Departures: CycleDiffusion encodes by a stochastic chain and keeps its noise; this is the
    deterministic kind.
    """
    up = Grid(encode + 1, end=end, spacing="log")
    return Process(
        Conditioned(prior, Prox(lam)),
        DDIM(0.0),
        Grid(steps, start=start, end=end, spacing="log"),
        start=Encoded(prior, DDIM(0.0), up),
    )
