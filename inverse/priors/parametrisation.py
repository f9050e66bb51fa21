"""What a network is asked for: EDM's preconditioned residual, or a straight path's velocity."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from inverse.levels import Level


class Coefficients(NamedTuple):
    """``x0 = skip z + out F(into z)``: the estimate from a network F, at ``z = x / alpha``.

    Floats, or tensors that broadcast against images.
    """

    skip: Any
    out: Any
    into: Any


def edm(nsr: Any, sigma_data: float = 0.5) -> Coefficients:
    """Input, output and target of F of unit variance, for images of standard deviation sigma_data.

    Reference: Karras et al., 2022, arXiv:2206.00364, Table 1.
    """
    spread = (nsr**2 + sigma_data**2) ** 0.5
    return Coefficients((sigma_data / spread) ** 2, nsr * sigma_data / spread, 1 / spread)


def flow(nsr: Any) -> Coefficients:
    """F is the velocity ``noise - x0`` on ``(1 - t) x0 + t noise``, with ``t = nsr / (1 + nsr)``.

    Reference: Lipman et al., 2023, arXiv:2210.02747, eq. 23; Esser et al., 2024, arXiv:2403.03206,
    eq. 13 (time runs from the image to the noise).
    """
    clean = 1 / (1 + nsr)
    return Coefficients(clean, -nsr * clean, clean)


class Parametrisation(NamedTuple):
    """How a network is wrapped, and what it is told of the noise, (B,), given log nsr (B,)."""

    coefficients: Callable[[Any], Coefficients]
    time: Callable[[Tensor], Tensor]


PARAMETRISATIONS = {
    "edm": Parametrisation(edm, lambda log_nsr: 10 * log_nsr),
    "flow": Parametrisation(flow, lambda log_nsr: 1000 * log_nsr.sigmoid()),
}


def wrapped(
    x: Tensor, level: Level, wrap: Coefficients, network: Callable[[Tensor], Tensor]
) -> Tensor:
    """``skip z + out network(into z)`` at ``z = x / alpha``, for float coefficients."""
    raw = network(x * (wrap.into / level.alpha))
    return (x * (wrap.skip / level.alpha)).add_(raw, alpha=wrap.out)
