"""What a visitor can choose, and the words of `inverse restore` that say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inverse.benchmarking.commands import override
from inverse.demo.uploads import Limits, Refused
from inverse.images import PHOTOGRAPHS

PHOTO, MASK = "photo.png", "mask.png"  # an upload and a painted mask, in a run's folder
NOISE = (0.01, 0.5)  # lowest and highest standard deviation offered, on [-1, 1]


@dataclass(frozen=True)
class Strength:
    """The one constant of an operator that the page lets slide."""

    key: str
    label: str
    low: float
    high: float
    step: float
    value: float


@dataclass(frozen=True)
class Degradation:
    """An operator of the page; `painted` when its mask is painted by the visitor."""

    operator: str
    strength: Strength | None = None
    painted: bool = False


@dataclass(frozen=True)
class Solver:
    """A solver of the page, and the constants of each of its presets."""

    solver: str
    presets: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Form:
    """What a visitor chose.

    Attributes:
        image: the name of a photograph that comes along, or PHOTO for the upload.
        size: pixels along each side. degradation, solver: labels of the menu. strength: of the
            degradation, where it has one. sigma: of the noise, on [-1, 1].
        seconds: the time budget; None for the solver's own number of steps.
    """

    image: str = next(iter(PHOTOGRAPHS))
    size: int = 128
    degradation: str = ""
    strength: float | None = None
    sigma: float = 0.05
    solver: str = ""
    preset: str = "usual"
    seconds: float | None = None
    samples: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Menu:
    """All there is to choose, as in conf/demo.yaml; `prior`: the words that name the prior."""

    degradations: Mapping[str, Degradation]
    solvers: Mapping[str, Solver]
    sizes: Sequence[int]
    size: int
    limits: Limits = Limits()
    prior: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def read(cls, config: Mapping[str, Any], prior: Sequence[str] = ()) -> "Menu":
        """The menu of a configuration given as plain mappings and lists."""
        degradations = {}
        for label, entry in config["degradations"].items():
            strength = Strength(**entry["strength"]) if "strength" in entry else None
            degradations[label] = Degradation(**{**entry, "strength": strength})
        solvers = {label: Solver(**entry) for label, entry in config["solvers"].items()}
        sizes, limits = tuple(config["sizes"]), Limits(**config["limits"])
        return cls(degradations, solvers, sizes, config["size"], limits, tuple(prior))

    @property
    def presets(self) -> list[str]:
        return list(next(iter(self.solvers.values())).presets)

    def check(self, form: Form) -> None:
        """Raise Refused, saying what is offered, for a form that the menu does not allow."""
        strength = self._one("degradation", form.degradation, self.degradations).strength
        self._one("preset", form.preset, self._one("solver", form.solver, self.solvers).presets)
        self._one("photograph", form.image, {PHOTO: None, **dict.fromkeys(PHOTOGRAPHS)})
        self._one("size", form.size, dict.fromkeys(self.sizes))
        if strength is not None:
            _within(strength.label, form.strength, strength.low, strength.high)
        _within("noise", form.sigma, *NOISE)
        _within("samples", form.samples, 1, self.limits.samples)
        _within("seed", form.seed, 0, 2**31)
        if form.seconds is not None:
            _within("time budget", form.seconds, 1, self.limits.seconds)

    def words(self, form: Form) -> list[str]:
        """The words after `inverse restore`, each quoted for the shell.

        Raises:
            Refused: for a form that the menu does not allow.
        """
        self.check(form)
        degradation, solver = self.degradations[form.degradation], self.solvers[form.solver]
        values: dict[str, Any] = {"image": form.image, "size": form.size}
        values["operator"] = degradation.operator
        if degradation.painted:
            values["operator.mask"] = MASK
        if degradation.strength is not None:
            values[f"operator.{degradation.strength.key}"] = form.strength
        values |= {"noise.sigma": form.sigma, "solver": solver.solver}
        values |= {f"solver.{key}": value for key, value in solver.presets[form.preset].items()}
        if form.seconds is not None:
            values["budget.seconds"] = form.seconds
        values |= {"samples": form.samples, "seed": form.seed, "lpips": None}
        return [override(key, _plain(value)) for key, value in values.items()] + [*self.prior]

    @staticmethod
    def _one(what: str, value: Any, offered: Mapping[Any, Any]) -> Any:
        if value not in offered:
            choices = ", ".join(map(str, offered))
            raise Refused(f"{what} {value!r} is not offered; choose one of {choices}")
        return offered[value]


def _within(what: str, value: float | None, low: float, high: float) -> None:
    if value is None or not low <= value <= high:
        raise Refused(f"{what} must be from {low:g} to {high:g}, got {value}")


def _plain(value: Any) -> Any:
    """A slider's 4.0 as the 4 that a count of pixels needs."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
