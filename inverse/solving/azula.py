"""Our samplers as azula's; imported where azula is."""

import torch
from azula.noise import Schedule, VPSchedule  # pyright: ignore[reportMissingImports]
from azula.sample import Sampler as AzulaSampler  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn

from inverse.levels import Level
from inverse.samplers import Sampler, State
from inverse.solving.metering import Budget
from inverse.solving.running import solve
from operators import Problem, Rng


class Scheduled(nn.Module):
    """What azula's samplers ask of a denoiser to draw a first state: its schedule."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule


class ProblemSampler(AzulaSampler):
    """Draws from a problem's posterior by one of our samplers; see `as_azula`."""

    def __init__(
        self,
        sampler: Sampler,
        problem: Problem,
        seed: int,
        budget: Budget | None,
        start: float,
        schedule: Schedule | None,
    ) -> None:
        super().__init__(start=start, silent=True)
        self.sampler, self.problem, self.seed, self.budget = sampler, problem, seed, budget
        self.denoiser = Scheduled(VPSchedule() if schedule is None else schedule)  # pyright: ignore

    @torch.no_grad()
    def __call__(self, x: Tensor, **_: object) -> Tensor:
        """Restorations (B, C, H, W) from states of the schedule's level at `start`."""
        shape = (len(self.problem), *self.problem.operator.in_shape)
        if x.shape != shape:
            raise ValueError(
                f"as_azula: x must be {shape}, as the problem is, got {tuple(x.shape)}"
            )
        level = Level(*(float(v) for v in self.denoiser.schedule(torch.tensor(self.start))))
        rng = Rng(range(self.seed, self.seed + len(x)), x.device)
        return solve(self.sampler, self.problem, rng, self.budget, at=State(x, level)).x0
