"""Any restorer: as a sampler of one step, and as what a walk begins with."""

from collections.abc import Iterator

import torch
from torch import Tensor

from inverse.denoise import NOTHING, Needs, noise_level
from inverse.levels import CLEAN, Level
from inverse.samplers.blind.coordinates import EVEN, coordinates
from inverse.samplers.blind.evidence import contrasts
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.sampler import Sampler
from inverse.starts import Restorer, RestorerStart, restored_by
from operators import Problem, Rng

UNIT = 0.01  # of variances: those that are thought of are 1e-3 to 30 times as large
KEPT = 3**0.5  # of the error: the posterior's variance is kept to 94 %


class Once(Sampler):
    """A restorer as a sampler whose one step is all, to stand beside others in a benchmark.

    `x0 = restorer(problem)`.

    Args:
        needs: what the restorer asks of a problem.
    """

    def __init__(self, restorer: Restorer, needs: Needs = NOTHING) -> None:
        super().__init__()
        self.restorer, self.needs = restorer, needs

    @torch.no_grad()
    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        if not isinstance(at, Iterate):
            x = restored_by(self.restorer, problem)
            yield Iterate(1, 1, CLEAN, x, x, None)


def rms_error(problem: Problem, x0: Tensor) -> Tensor:
    """How wrong a restoration is, as the data tell it: (B,), between 0.003 and 0.55.

    `argmax_r log N(y; A x0, r^2 A A^T + sigma_y^2 I)`, the mean over channels. What A does not
    measure (the inside of a hole, what a blur took) is not seen: it counts as wrong as the rest.

    Args:
        problem: of Gaussian noise, with an operator that meets `EVEN`. x0: (B, C, H, W).
    """
    height, width = x0.shape[-2:]
    white = torch.full((x0.shape[1], height, width // 2 + 1), UNIT, dtype=torch.float64)
    sigma = torch.as_tensor(noise_level(problem)).cpu().double().expand(len(x0))
    c = contrasts(coordinates(problem, x0, white), sigma, problem.y.shape[1])
    return (UNIT * c.mean(1)).sqrt().to(x0)


def warm_state(
    restorer: Restorer, problem: Problem, rng: Rng, error: float | None = None, noise: float = 1.0
) -> State:
    """The state `w + noise nsr n` of a restoration w, for a walk to begin at (`solve(at=)`).

    `nsr = sqrt(3) error`. From the posterior's mean an exact walk that draws noise ends with
    `v (1 - (v / (v + nsr^2))^2)` of its variance v: 94 % where v is the error's.

    Args:
        error: of w, root mean square; as the data tell it (`rms_error`, of the worst of the batch)
            where not given, which they do for operators that meet `EVEN`.
        noise: 1 for samples, 0 for annealing, as `nested` does.

    Raises:
        ValueError: for an error that is not given and cannot be told.
    """
    if error is None and not EVEN.met(problem):
        raise ValueError(
            f"how wrong the restorer is cannot be told for {problem.operator!r} (it can for "
            f"{EVEN.what}): give error="
        )
    w = restored_by(restorer, problem)
    error = float(rms_error(problem, w).amax()) if error is None else error
    level = Level(1.0, KEPT * error)
    return State(RestorerStart(lambda _: w, noise)(problem, rng, level), level)
