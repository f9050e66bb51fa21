"""Guidance: a prior pushed towards a class, by the difference of two priors or by a classifier."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from inverse.denoise import Denoiser, Estimate, Evaluation, Score, estimate
from inverse.levels import Level
from operators import Problem, Rng


class ClassifierFree(Denoiser):
    """Classifier-free guidance of a prior that knows classes; two network calls.

    `D(x) = D_free(x) + weight (D_class(x) - D_free(x))`.

    The denoiser of `p_free^(1 - weight) p_class^weight` at each noise level by itself: weight 0
    is the free prior, 1 the class's own, above 1 exaggerates what is particular to the class.
    Papers that write `(1 + w) D_class - w D_free` mean `weight = 1 + w`.

    Reference: Ho and Salimans, 2022, arXiv:2207.12598, eq. 6.

    Args:
        conditional: knows the class, as `prior.labelled(k)`. free: knows none.

    Raises:
        ValueError: for a negative or infinite weight.
    """

    def __init__(self, conditional: Denoiser, free: Denoiser, weight: float) -> None:
        super().__init__()
        _check_weight("ClassifierFree", weight)
        self.conditional, self.free, self.weight = conditional, free, weight

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        free = self.free(x, level, problem, rng).x0
        known = self.conditional(x, level, problem, rng).x0
        return estimate(x, torch.lerp(free, known, self.weight), level)


class ClassifierScore(Score):
    """The score of a classifier of noisy states, for `Guided`.

    `weight grad_x log p(label | x)`.

    `Guided(prior, ClassifierScore(...))` is classifier guidance: no call of the network more, a
    backward pass through the classifier alone.

    Reference: Dhariwal and Nichol, 2021, arXiv:2105.05233, Section 4.

    Args:
        classifier: logits (B, K) of a state (B, C, H, W) at a level. label: the class, 0..K-1.

    Raises:
        ValueError: for a negative or infinite weight.
    """

    differentiable = False
    aware = False

    def __init__(
        self, classifier: Callable[[Tensor, Level], Tensor], label: int, weight: float = 1.0
    ) -> None:
        _check_weight("ClassifierScore", weight)
        self.classifier, self.label, self.weight = classifier, label, weight

    def __call__(self, ev: Evaluation) -> Tensor:
        outer = ev.x.requires_grad  # a solver differentiates through us
        with torch.enable_grad():
            x = ev.x if outer else ev.x.detach().requires_grad_()
            log_p = self.classifier(x, ev.level).log_softmax(-1)[:, self.label].sum()
            return self.weight * torch.autograd.grad(log_p, x, create_graph=outer)[0]


class Between(Denoiser):
    """One denoiser inside an interval of noise, another outside: for guidance, or other sizes.

    `inside` where `low < nsr <= high`, `outside` elsewhere.

    Guidance at high noise narrows what is drawn, at low noise it does nothing but cost calls.

    Reference: Kynkäänniemi et al., 2024, arXiv:2404.07724, eq. 5 (outside: the class's own prior).

    Args:
        inside, outside: two denoisers. low, high: noise-to-signal ratios (EDM's sigma).

    Raises:
        ValueError: unless `0 <= low < high`.
    """

    def __init__(
        self, inside: Denoiser, outside: Denoiser, low: float = 0.0, high: float = math.inf
    ) -> None:
        super().__init__()
        if not 0 <= low < high:
            raise ValueError(f"Between: must have 0 <= low < high, got {low} and {high}")
        self.inside, self.outside, self.low, self.high = inside, outside, low, high

    def cost(self, level: Level) -> float:
        return self._at(level).cost(level)

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        return self._at(level)(x, level, problem, rng)

    def _at(self, level: Level) -> Denoiser:
        return self.inside if self.low < level.nsr <= self.high else self.outside


def _check_weight(who: str, weight: float) -> None:
    if not 0 <= weight < math.inf:
        raise ValueError(f"{who}: weight must be 0 or more and finite, got {weight}")
