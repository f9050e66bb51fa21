"""Linear multistep integrators: they remember past estimates instead of calling more often."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inverse.denoise import Move, Transition
from inverse.levels import CLEAN
from inverse.transitions.ode import euler, runge_kutta


class Past(NamedTuple):
    """A slope of the flow and the noise-to-signal ratio it was taken at."""

    nsr: float
    slope: Tensor


def adams_bashforth(nodes: list[float], a: float, b: float) -> list[float]:
    """Weights w with `int_a^b p = sum w_i p(nodes_i)` for polynomials below degree k."""
    scale = b - a
    shifted = (np.asarray(nodes) - a) / scale
    moments = 1 / np.arange(1, len(nodes) + 1)
    weights = np.linalg.solve(np.vander(shifted, increasing=True).T, moments)
    return [float(w) * scale for w in weights]


class Multistep(Transition[tuple[Past, ...]]):
    """Adams-Bashforth of order 1 to 4 on the noise estimate, variable steps in nsr (PLMS).

    `x_b / alpha_b = x / alpha_a + sum_i w_i noise_i` with exact weights for the actual levels
    (PNDM fixes those of equal steps: there the order falls to 2 on uneven grids). Orders 3 and 4
    start with Runge-Kutta steps (three more calls each, as PNDM does), lower ones with Euler.

    Reference: Liu et al., 2022, arXiv:2202.09778, eq. 12-14.
    """

    def __init__(self, order: int = 2) -> None:
        if order not in (1, 2, 3, 4):
            raise ValueError(f"Multistep: order must be 1, 2, 3 or 4, got {order}")
        self.order = order

    def init(self) -> tuple[Past, ...]:
        return ()

    def step(self, move: Move, memory: tuple[Past, ...]) -> tuple[Tensor, tuple[Past, ...]]:
        x, est, a, b, *_, denoise = move
        past = (*memory, Past(a.nsr, est.noise))[-self.order :]
        if len(past) < self.order and self.order > 2 and b != CLEAN:
            return runge_kutta(x, est, a, b, denoise), past
        weights = adams_bashforth([p.nsr for p in past], a.nsr, b.nsr)
        x = x * (b.alpha / a.alpha)
        for weight, p in zip(weights, past, strict=True):
            x.add_(p.slope, alpha=b.alpha * weight)
        return x, past


class DPMSolver2M(Transition[Past | None]):
    """DPM-Solver++(2M): second order in log-SNR on the data prediction, of flow or SDE.

    `x_b = q (alpha_b / alpha_a) x + alpha_b (1 - q) D + sigma_b sqrt(1 - e^{-2 eta^2 h}) n`,
    `h = log(nsr_a / nsr_b)`, `q = e^{-(1 + eta^2) h}`,
    `D = (1 + 1/2r) x0 - (1/2r) x0_previous`, `r = h_previous / h`; first order on the first
    step and on the step to clean. eta = 0 is the probability flow, eta = 1 SDE-DPM-Solver++(2M),
    which without the `x0_previous` is ancestral sampling.

    Reference: Lu et al., 2022, arXiv:2211.01095, Alg. 2, and its SDE for eta = 1.
    """

    def __init__(self, eta: float = 0.0) -> None:
        if not 0 <= eta <= 1:
            raise ValueError(f"DPMSolver2M: eta must be in [0, 1], got {eta}")
        self.eta = eta

    def step(self, move: Move, memory: Past | None) -> tuple[Tensor, Past | None]:
        x, est, a, b, *_ = move
        past = Past(a.nsr, est.x0)
        if b == CLEAN:
            return est.x0, past
        ratio = b.nsr / a.nsr
        data = est.x0
        if memory is not None:
            half = 0.5 * math.log(a.nsr / b.nsr) / math.log(memory.nsr / a.nsr)
            data = (1 + half) * est.x0 - half * memory.slope
        keep = ratio ** (1 + self.eta**2)
        out = (x * (keep * b.alpha / a.alpha)).add_(data, alpha=b.alpha * (1 - keep))
        if self.eta > 0:
            spread = b.sigma * (1 - ratio ** (2 * self.eta**2)) ** 0.5
            out.add_(move.rng.normal(x.shape), alpha=spread)
        return out, past


class Momentum(Transition[tuple[Past, ...]]):
    """Generalised heavy ball GHVB: momentum on the noise estimate under Adams-Bashforth weights.

    `v_n = (1 - beta) v_{n-1} + beta noise_n` and `x_{n+1} = x_n + h sum_j c_j grad^j v_n` with
    `c_j = gamma_j + (1 / beta - 1) gamma_{j-1}`, `gamma = 1, 1/2, 5/12, 3/8` and backward
    differences grad: order 1 is HB, beta = 1 is Adams-Bashforth. Order k on equal steps in nsr,
    at most 2 on uneven ones (the weights are those of equal steps, as published). Orders 3 and 4
    start with Runge-Kutta steps and the velocities that belong to a smooth past.

    Reference: Wizadwongsa et al., 2023, arXiv:2307.11118, sec. 4.
    """

    GAMMA = (1.0, 1 / 2, 5 / 12, 3 / 8)

    def __init__(self, order: int = 2, beta: float = 0.8) -> None:
        if order not in (1, 2, 3, 4) or not 0 < beta <= 1:
            raise ValueError(
                f"Momentum: need order in 1..4 and 0 < beta <= 1, got {order} and {beta}"
            )
        self.order, self.beta = order, beta

    def init(self) -> tuple[Past, ...]:
        return ()

    def weights(self, terms: int) -> list[float]:
        """Weights of `v_n, v_{n-1}, ...` with `terms` of them known."""
        drag = 1 / self.beta - 1
        out = [0.0] * terms
        for j in range(terms):
            c = self.GAMMA[j] + (drag * self.GAMMA[j - 1] if j else 0.0)
            for i in range(j + 1):
                out[i] += c * (-1) ** i * math.comb(j, i)
        return out

    def step(self, move: Move, memory: tuple[Past, ...]) -> tuple[Tensor, tuple[Past, ...]]:
        x, est, a, b, *_, denoise = move
        past = memory
        warm = self.order > 2 and len(past) < self.order - 1
        if warm and b != CLEAN:
            return runge_kutta(x, est, a, b, denoise), (*past, Past(a.nsr, est.noise))
        if self.order > 2 and len(past) == self.order - 1:
            past = self._velocities((*past, Past(a.nsr, est.noise)))
        else:
            velocity = past[-1].slope.lerp(est.noise, self.beta) if past else est.noise
            past = (*past, Past(a.nsr, velocity))[-self.order :]
        slope = torch.zeros_like(x)
        for weight, p in zip(self.weights(len(past)), reversed(past), strict=True):
            slope.add_(p.slope, alpha=weight)
        return euler(x, slope, a, b), past

    def _velocities(self, past: tuple[Past, ...]) -> tuple[Past, ...]:
        """What the velocities are after a past that went on as the polynomial through `past`.

        `v = (1 + (1 / beta - 1) grad)^{-1} noise`; started from rest, v would carry a transient
        that costs the orders above 2.
        """
        count = len(past)
        back = np.eye(count, k=-1)
        back[0] = [(-1) ** i * math.comb(count, i + 1) for i in range(count)]
        rows = np.linalg.inv(np.eye(count) + (1 / self.beta - 1) * (np.eye(count) - back))
        slopes = torch.stack([p.slope for p in past])
        turned = torch.tensordot(torch.as_tensor(rows).to(slopes), slopes, dims=1)
        return tuple(Past(p.nsr, v) for p, v in zip(past, turned, strict=True))
