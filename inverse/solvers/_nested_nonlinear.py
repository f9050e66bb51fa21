"""Ours, for operators that are not linear: the nested split sampler with another data step."""

from torch import Tensor

from inverse.denoise import Conditioned, Equivariant, Prior
from inverse.levels import Level
from inverse.samplers import Process
from inverse.solvers._nested import nest, walks
from inverse.starts import RestorerStart
from inverse.steps import Feasible
from inverse.transitions import Anneal, Turned
from operators import Problem, Rng

SPREAD = 0.5  # standard deviation of images about grey


def nested_nonlinear(
    prior: Prior,
    *,
    outer_steps: int = 12,
    inner_least: int = 1,
    inner_most: int = 3,
    outer_start: float = 2.0,
    inner_most_from: float = 0.3,
    outer_end: float = 0.05,
    inner_end: float = 0.05,
    lam: float = 0.18,
    rounds: int = 2,
    gradients: int = 5,
    start_temperature: float = 0.0,
    outer_temperature: float = 1.0,
    inner_zeta: float = 0.8,
) -> Process:
    """`nested` for any differentiable operator: into the ball about the data in place of a solve.

    `x0 = D(x, s)`, `x0' = argmin ||x - x0||^2` where `||A(x) - y|| <= sigma_y sqrt(m)`, by
    `rounds` of `gradients` analytic steps (`Feasible`, with `lam`);
    `x <- x0' + s' (sqrt(inner_zeta) n - sqrt(1 - inner_zeta) noise)`.

    All else is as in `nested`, but that it starts from higher noise, and from the image that the
    same step makes of grey, with `start_temperature sigma n` upon it. Where y does not say where to
    begin (phase retrieval) start from noise, `start_temperature` 1 and `outer_start` 10; there
    `fast_dips` succeeds more often. One call a step, no backward pass through the network.

    Reference: Elata et al., 2023, arXiv:2305.19066 (nesting); Kim et al., 2026, arXiv:2603.01591
    (the step). The constants were chosen on McMaster images (benchmarks/README.md).
    """
    step = Feasible(lam, rounds, gradients)
    inside, outside = walks(
        outer_steps, inner_least, inner_most, outer_start, inner_most_from, outer_end, inner_end
    )
    return nest(
        Conditioned(Equivariant(prior), step),
        inside,
        Turned(inner_zeta),
        outside,
        Anneal(outer_temperature),
        RestorerStart(explained, start_temperature),
    )


def explained(problem: Problem) -> Tensor:
    """The image near grey that explains the data, (B, C, H, W), whatever the operator."""
    grey = problem.y.new_zeros((len(problem), *problem.operator.in_shape))
    fit = Feasible(lam=1.0, rounds=2, gradients=10)
    return fit(grey, Level(1.0, SPREAD), problem, Rng(range(len(problem))))
