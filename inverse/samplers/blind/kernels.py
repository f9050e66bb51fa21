"""Blurs that are not known: a family of kernels with unknown parameters."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from inverse.denoise import noise_level
from inverse.samplers.blind.coordinates import coordinates
from inverse.samplers.blind.evidence import CONTRAST, FEWER, ZOOMS, Range, log_evidence, search
from inverse.samplers.blind.refits import NoiseLevel, Refit
from inverse.samplers.found import Found, Quantity
from operators import LinearOperator, Problem, blur_kernel

Values = Mapping[str, Tensor]  # of parameters by name, (B,)


class BlurParameters(Refit):
    """The parameters of a family of kernels, by their evidence: one after the other, in rounds.

    `p(y | D, theta) = N(y; A_theta D, A_theta R A_theta^T + sigma_y^2 I)`; each parameter's mean
    given the others, its prior flat over its range. A blur that is too weak leaves a misfit at the
    edges that D has and y has not; one that is too strong explains more than was lost.

    Args:
        kernel: of the size and a number for each range, (h, w), as those of `operators.kernels`.
        ranges: by the names of its arguments. size: of the kernel, odd, in pixels.
        padding: what lies beyond the border, see `operators.blur_kernel`.
        noise: how the level of the noise is found where it is not known either: at first, when
            no level is at hand, each kernel has the best one for it.
        contrast: as in `NoiseLevel`.
    """

    def __init__(
        self,
        kernel: Callable[..., Tensor],
        ranges: Mapping[str, Range],
        size: int,
        padding: str = "circular",
        noise: NoiseLevel | None = None,
        contrast: Range | None = CONTRAST,
        rounds: int = 2,
    ) -> None:
        self.kernel, self.ranges, self.size, self.padding = kernel, ranges, size, padding
        self.noise, self.contrast = noise, contrast
        self.rounds = rounds if len(ranges) > 1 else 1

    def guess(self, image_shape: Sequence[int]) -> LinearOperator:
        """The blur of the middle of the ranges, for what has to stand in a problem before."""
        return blur_kernel(image_shape, self._kernels(self._middles(1))[0], self.padding)

    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        faded = self.padding != "circular"

        def tried(values: Values) -> Problem:
            return Problem._with(self._operator(values, problem), problem.noise, problem.y)

        def with_best_noise(values: Values) -> Tensor:
            assert self.noise is not None
            return self.noise.profile(tried(values), x0, r2, faded)

        def with_known_noise(values: Values) -> Tensor:
            sigma = torch.as_tensor(noise_level(problem)).cpu().double().expand(len(x0))
            seen = coordinates(tried(values), x0, r2, faded)
            return log_evidence(seen, sigma[:, None], self.contrast)[:, 0]

        values = self._middles(len(x0)) if last is None else _means(last.numbers)
        if last is None and self.noise is not None:
            values = _means(self._rounds(values, with_best_noise, FEWER, self.rounds))
            noise = self.noise(tried(values), x0, r2, None).noise
            problem = Problem._with(problem.operator, noise or problem.noise, problem.y)
        rounds = self.rounds if last is None else 1  # a look goes on from what was found
        numbers = self._rounds(values, with_known_noise, ZOOMS, rounds)
        operator, kernel = self._operator(_means(numbers), problem), self._kernels(_means(numbers))
        if last is not None:
            numbers = {name: number.after(last.numbers[name]) for name, number in numbers.items()}
        return Found(numbers, operator=operator, kernel=kernel)

    def _rounds(
        self, values: Values, fit: Callable[[Values], Tensor], zooms: int, rounds: int
    ) -> dict[str, Quantity]:
        """Each parameter given the others, several times around."""
        values, numbers = dict(values), {}
        for _ in range(rounds):
            for name, within in self.ranges.items():

                def posterior(grid: Tensor, name: str = name) -> Tensor:
                    return torch.stack([fit({**values, name: v}) for v in grid.unbind(1)], 1)

                numbers[name] = search(posterior, within, len(values[name]), zooms)
                values[name] = numbers[name].mean
        return numbers

    def _middles(self, batch: int) -> dict[str, Tensor]:
        middles = {name: sum(within.ends) / 2 for name, within in self.ranges.items()}
        values = {n: math.exp(u) if self.ranges[n].log else u for n, u in middles.items()}
        return {n: torch.full((batch,), value, dtype=torch.float64) for n, value in values.items()}

    def _kernels(self, values: Values) -> Tensor:
        rows = zip(*(value.tolist() for value in values.values()), strict=True)
        named = (dict(zip(values, row, strict=True)) for row in rows)
        return torch.stack([self.kernel(self.size, **row) for row in named])[:, None]

    def _operator(self, values: Values, problem: Problem) -> LinearOperator:
        made = blur_kernel(problem.operator.in_shape, self._kernels(values), self.padding)
        return made.to(problem.operator.anchor)


def _means(numbers: Mapping[str, Quantity]) -> Values:
    return {name: number.mean for name, number in numbers.items()}
