"""DiffStateGrad: DPS's nudge projected on the subspace where the state has its energy."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Evaluation
from inverse.flows import Norm
from inverse.levels import Level
from inverse.solvers._dps import LowRank
from operators import Rng
from tests.inverse.solver_cases import SHAPE, problem, tiny_prior

LEVEL, LOWER = Level(1.0, 0.5), Level(1.0, 0.3)


def nudges(energy: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A state, the nudge, and the projected one."""
    x, given = Rng([0, 1]).normal((2, *SHAPE)), problem(count=2)

    def nudge(flow: Norm | LowRank) -> torch.Tensor:
        ev = Evaluation(tiny_prior(), x, LEVEL, given, Rng([0, 1]), differentiable=True)
        return flow(ev, LEVEL, LOWER, 1.0)

    return x, nudge(Norm(1.0)), nudge(LowRank(Norm(1.0), energy))


def test_a_nudge_is_projected_on_as_many_singular_vectors_as_hold_the_energy():
    x, plain, projected = nudges(0.7)
    for state, given, got in zip(*(t.flatten(0, 1) for t in (x, plain, projected)), strict=True):
        u, s, vt = torch.linalg.svd(state.double())
        share = s.square().cumsum(0) / s.square().sum()
        rank = int((share < 0.7).sum()) + 1
        left, right = u[:, :rank] @ u[:, :rank].T, vt[:rank].T @ vt[:rank]
        torch.testing.assert_close(got.double(), left @ given.double() @ right, atol=1e-5, rtol=0)


def test_all_the_energy_leaves_the_nudge_as_it_is():
    _, plain, projected = nudges(1.0)
    torch.testing.assert_close(projected, plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize("energy", [0.0, 1.5])
def test_a_share_of_the_energy_must_be_one(energy):
    with pytest.raises(ValueError, match="LowRank: need 0 < energy <= 1"):
        solvers.dps(tiny_prior(), energy=energy)
