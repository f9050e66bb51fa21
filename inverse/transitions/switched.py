"""Two rules in one walk: one down to a level, another from there on."""

from torch import Tensor

from inverse.denoise import Memory, Move, Transition


class Switched(Transition):
    """``above`` while the noise-to-signal ratio exceeds ``at``, ``below`` from ``at`` down.

    Guidance can be stiff at high noise, where low orders stay stable in longer steps, and smooth
    below, where high orders pay. A multistep rule below begins without a past. Each rule keeps its
    memory; the order is the lower one's.

    Raises:
        ValueError: unless ``at`` is positive, or when a rule is stochastic.
    """

    def __init__(self, at: float, above: Transition, below: Transition) -> None:
        if at <= 0:
            raise ValueError(f"Switched: at must be positive, got {at}")
        if above.eta or below.eta:
            raise ValueError("Switched: both rules must be deterministic (eta 0)")
        self.at, self.rules = at, (above, below)
        self.requires = above.requires | below.requires

    def init(self) -> Memory:
        return tuple(rule.init() for rule in self.rules)

    def step(self, move: Move, memory: Memory) -> tuple[Tensor, Memory]:
        assert isinstance(memory, tuple)
        which = 0 if move.a.nsr > self.at * (1 + 1e-6) else 1
        x, new = self.rules[which].step(move, memory[which])
        return x, (new, memory[1]) if which == 0 else (memory[0], new)
