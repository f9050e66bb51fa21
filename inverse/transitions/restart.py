"""Time travel that begins from the estimate instead of the state."""

from torch import Tensor

from inverse.denoise import Memory, Move, Transition, climb
from inverse.levels import CLEAN, Level
from operators import Rng


class Restart(Transition):
    """A rule whose time travel noises the last estimate afresh: `x_b = alpha_b x0 + sigma_b n`.

    x0 is the denoiser's own, `(x - sigma noise) / alpha`: where a data step kept its noise
    (`Conditioned`), the estimate before that step.

    Reference: the released code of Wang et al., 2022, arXiv:2212.00490 (DDNM; its Alg. 2 diffuses
    the state instead).
    """

    def __init__(self, rule: Transition) -> None:
        self.rule = rule
        self.eta, self.requires = rule.eta, rule.requires

    def init(self) -> Memory:
        return self.rule.init(), None

    def step(self, move: Move, memory: Memory) -> tuple[Tensor, Memory]:
        assert isinstance(memory, tuple)
        x, after = self.rule.step(move, memory[0])
        x0 = (move.x - move.a.sigma * move.est.noise) / move.a.alpha
        return x, (after, x0)

    def rise(
        self, x: Tensor, a: Level, b: Level, memory: Memory, rng: Rng
    ) -> tuple[Tensor, Memory]:
        assert isinstance(memory, tuple)
        return climb(memory[1], CLEAN, b, rng), (self.rule.init(), memory[1])
