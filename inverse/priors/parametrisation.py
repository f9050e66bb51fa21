"""What a network is asked for, and what it is told of the noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from inverse.levels import VE, VP, Discrete, Flow, Level
from inverse.levels.schedules import Schedule


class Coefficients(NamedTuple):
    """How the estimate follows from a network's output.

    `x0 = skip x + out F(into x)`: the estimate from a network F, at a state x of a level.

    Floats, or tensors that broadcast against images.
    """

    skip: Any
    out: Any
    into: Any


class Parametrisation(Protocol):
    """How a network is wrapped, and what it is told."""

    def coefficients(self, level: Level) -> Coefficients:
        """The coefficients at a level."""
        ...

    def condition(self, log_nsr: Any) -> Any:
        """What the network is told of the noise."""
        ...


@dataclass(frozen=True)
class EDM:
    """Input, output and target of F of unit variance, for images of standard deviation sigma_data.

    `skip = d^2 / (s^2 + d^2)`, `out = s d into`, `into = 1 / sqrt(s^2 + d^2)` on
    `x / alpha`, d = sigma_data, s = nsr. F is told `scale log nsr`, a float or a tensor.

    Reference: Karras et al., 2022, arXiv:2206.00364, Table 1.
    """

    sigma_data: float = 0.5
    scale: float = 10.0

    def coefficients(self, level: Level) -> Coefficients:
        spread = (level.nsr**2 + self.sigma_data**2) ** 0.5
        skip, out = (self.sigma_data / spread) ** 2, level.nsr * self.sigma_data / spread
        return Coefficients(skip / level.alpha, out, 1 / spread / level.alpha)

    def condition(self, log_nsr: Any) -> Any:
        return self.scale * log_nsr


class Velocity:
    """F is the velocity `noise - x0` on `(1 - t) x0 + t noise`, with `t = nsr / (1 + nsr)`.

    F is told 1000 t; log nsr is a tensor.

    Reference: Lipman et al., 2023, arXiv:2210.02747, eq. 23; Esser et al., 2024, arXiv:2403.03206,
    eq. 13 (time runs from the image to the noise).
    """

    def coefficients(self, level: Level) -> Coefficients:
        clean = 1 / (1 + level.nsr)
        return Coefficients(clean / level.alpha, -level.nsr * clean, clean / level.alpha)

    def condition(self, log_nsr: Tensor) -> Tensor:
        return 1000 * log_nsr.sigmoid()


TRAINED: dict[str, Parametrisation] = {"edm": EDM(), "flow": Velocity()}
"""Those that `inverse train` knows."""

PREDICTIONS = ("epsilon", "sample", "v_prediction", "flow", "score")
TIMES = ("t", "sigma", "log_nsr")


def clean(prediction: str, level: Level) -> tuple[float, float]:
    """`x0 = skip z + out o` from a network's output o at `z = alpha x0 + sigma noise`.

    o is the noise (epsilon), x0 (sample), `alpha noise - sigma x0` (v_prediction),
    `noise - x0` (flow) or `-noise / sigma`, the gradient of log p(z) (score).
    """
    alpha, sigma = level
    match prediction:
        case "sample":
            return 0.0, 1.0
        case "epsilon":
            return 1 / alpha, -sigma / alpha
        case "score":
            return 1 / alpha, sigma**2 / alpha
        case "v_prediction":
            square = alpha**2 + sigma**2
            return alpha / square, -sigma / square
        case _:
            return 1 / (alpha + sigma), -sigma / (alpha + sigma)


@dataclass(frozen=True)
class Scheduled:
    """A network that knows the states of one path, which others are rescaled to.

    With `a, s` of the path's t where `nsr(t) = nsr`, the network is asked at the state
    `z = x sqrt((a^2 + s^2) / (alpha^2 + sigma^2))`. Levels noisier than a table's last timestep
    use the last.

    Args:
        schedule: the path. prediction: what the output is, see `clean`.
        time: "t", "sigma" (s) or "log_nsr" (`log s / a`); the network is told scale times that.
        nearest: t is rounded to a whole timestep.

    Raises:
        ValueError: for an unknown choice, or noise predicted on a table that ends in pure noise.
    """

    schedule: Schedule
    prediction: str = "epsilon"
    time: str = "t"
    scale: float = 1.0
    nearest: bool = False

    def __post_init__(self) -> None:
        expect("prediction", self.prediction, PREDICTIONS)
        expect("time", self.time, TIMES)
        noise = self.prediction in ("epsilon", "score")
        if noise and isinstance(self.schedule, Discrete) and self.schedule(math.inf).alpha == 0:
            raise ValueError(
                f"prior: an {self.prediction} network says nothing of x0 at the last, purely noisy "
                "timestep of this table; such tables need prediction v_prediction or sample"
            )

    def coefficients(self, level: Level) -> Coefficients:
        own = self.schedule(self._t(level.nsr))
        skip, out = clean(self.prediction, own)
        into = math.hypot(*own) / math.hypot(*level)
        return Coefficients(skip * into, out, into)

    def condition(self, log_nsr: float) -> float:
        t = self._t(math.exp(log_nsr))
        own = self.schedule(t)
        return self.scale * {"t": t, "sigma": own.sigma, "log_nsr": _log(own.nsr)}[self.time]

    def _t(self, nsr: float) -> float:
        t = self.schedule.time(nsr)
        return float(round(t)) if self.nearest else t


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def expect(what: str, value: str, valid: tuple[str, ...]) -> None:
    """Raise ValueError, naming the valid ones, for a value that is not valid."""
    if value not in valid:
        raise ValueError(f"prior: {what} must be one of {', '.join(valid)}, got {value!r}")


SCHEDULES = ("linear", "scaled_linear", "cosine", "vp", "ve", "flow")


def schedule_of(name: str, steps: int, betas: Sequence[float]) -> Schedule:
    """The path that a network was trained on, as `from_module` takes it.

    Raises:
        ValueError: for an unknown name, or betas that are not two.
    """
    expect("schedule", name, SCHEDULES)
    if name in ("vp", "ve", "flow"):
        return {"vp": VP, "ve": VE, "flow": Flow}[name]()
    if name == "cosine":
        return Discrete.cosine(steps)
    if len(betas) != 2:
        raise ValueError(f"prior: betas must be two numbers, first and last, got {list(betas)}")
    return (Discrete.linear if name == "linear" else Discrete.scaled_linear)(
        betas[0], betas[1], steps
    )
