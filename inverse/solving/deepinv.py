"""Our samplers as reconstruction models of deepinv; imported where deepinv is."""

import torch
from deepinv.models import Reconstructor  # pyright: ignore[reportMissingImports]
from deepinv.physics import GaussianNoise, LinearPhysics  # pyright: ignore[reportMissingImports]
from torch import Tensor

from inverse.samplers import Sampler
from inverse.solving.metering import Budget
from inverse.solving.running import solve
from operators import LinearOperator, Operator, Problem, Rng, gaussian
from operators.interop import from_deepinv


class SamplerReconstructor(Reconstructor):
    """Restores by one of our samplers, `x_hat = model(y, physics)`; see `as_reconstructor`."""

    def __init__(
        self, sampler: Sampler, sigma: float | None, seed: int, budget: Budget | None
    ) -> None:
        super().__init__()
        self.sampler, self.sigma, self.seed, self.budget = sampler, sigma, seed, budget

    def forward(self, y: Tensor, physics: torch.nn.Module, **_: object) -> Tensor:
        """Images (B, C, H, W) in [0, 1] from measurements of such images."""
        operator = operator_of(physics, y)
        # x' = 2 x - 1 in [-1, 1], so A x' = 2 A x - A 1, and twice the noise
        ones = operator.anchor.new_ones(1, *operator.in_shape)
        shifted = 2 * y - operator(ones)
        sigma = 2 * self._noise(physics)
        problem = Problem(operator, gaussian(sigma).to(y), shifted.contiguous())
        seeds = range(self.seed, self.seed + len(y))
        found = solve(self.sampler, problem, Rng(seeds, y.device), self.budget, keep=0)
        return ((found.x0 + 1) / 2).clamp(0, 1)

    def _noise(self, physics: torch.nn.Module) -> float | Tensor:
        if self.sigma is not None:
            return self.sigma
        model = getattr(physics, "noise_model", None)
        if not isinstance(model, GaussianNoise):
            name = type(model).__name__
            raise ValueError(
                f"as_reconstructor: the physics has no Gaussian noise ({name}); "
                "give sigma=, in units of [0, 1]"
            )
        sigma = torch.as_tensor(model.sigma)
        return float(sigma) if sigma.numel() == 1 else sigma.flatten()


def operator_of(physics: torch.nn.Module, y: Tensor) -> LinearOperator:
    """Ours, where `operators.interop.as_deepinv` made the physics; else a wrapper of theirs."""
    operator = getattr(physics, "operator", None)
    if not isinstance(operator, Operator) and isinstance(physics, LinearPhysics):
        operator = from_deepinv(physics, tuple(physics.A_adjoint(y[:1]).shape[1:])).to(y.device)
    if not isinstance(operator, LinearOperator):
        raise TypeError(
            f"as_reconstructor: {type(physics).__name__} is not linear; what images of [0, 1] "
            "measure cannot be told from what ours of [-1, 1] would"
        )
    return operator
