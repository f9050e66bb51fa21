"""DPS: diffusion posterior sampling."""

import torch
from torch import Tensor

from inverse.denoise import DataFlow, Evaluation, Prior
from inverse.flows import Norm
from inverse.levels import VP, Grid, Level
from inverse.samplers import Process
from inverse.transitions import DDIM


class LowRank(DataFlow):
    """A flow, projected on the subspace that holds most of the state's energy.

    `U U^T d V V^T`, d the flow's displacement, U and V the first singular vectors of the state, a
    matrix per channel: as many as hold the share `energy` of its squares.

    Reference: Zirvi et al., 2025, arXiv:2410.03463 (DiffStateGrad), Alg. 1. Departure: a rank per
    channel (released: one for all, from the channels one after the other).

    Raises:
        ValueError: for a share not above 0, or above 1.
    """

    def __init__(self, flow: DataFlow, energy: float = 0.99) -> None:
        if not 0 < energy <= 1:
            raise ValueError(f"LowRank: need 0 < energy <= 1, got {energy}")
        self.flow, self.energy = flow, energy
        self.differentiable, self.requires = flow.differentiable, flow.requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        u, s, vt = torch.linalg.svd(ev.x.detach(), full_matrices=False)
        passed, every = s.square().cumsum(-1), s.square().sum(-1, keepdim=True)
        kept = passed - s.square() < self.energy * every
        u, vt = u * kept[..., None, :], vt * kept[..., None]
        return u @ (u.mT @ self.flow(ev, a, b, fraction) @ vt.mT) @ vt


def dps(
    prior: Prior,
    *,
    steps: int = 1000,
    zeta: float = 0.3,
    energy: float | None = None,
    eta: float = 1.0,
    start: float = 150.0,
    end: float = 0.01,
) -> Process:
    """An ancestral step, then a nudge down the gradient of the residual norm.

    `x_b = DDPM(x, x0) - zeta grad_x ||y - A x0(x)||`; any differentiable operator. One backward
    pass per step. Defaults per task of the released code: zeta 0.3 (super-resolution, deblurring),
    0.5 (random inpainting), 1.0 (phase retrieval); it has none for a box. Fewer steps want a larger
    zeta. With `energy` (0.99, say) the nudge is projected on the state's low-rank subspace
    (DiffStateGrad, `LowRank`).

    Reference: Chung et al., 2023, arXiv:2209.14687, Alg. 1.
    Departures: the norm is per sample (the released code takes it over the batch), the variance
    is DDPM's posterior variance, estimates are not clipped to [-1, 1],
    which is left to the prior.
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="time")
    flow = Norm(zeta) if energy is None else LowRank(Norm(zeta), energy)
    return Process(prior, DDIM(eta), grid, flow=flow)
