"""Error bars that were measured: by how much the spread of samples has to be widened."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inverse.files import as_json, write_atomic
from inverse.metrics import expected_error

SHARES = (0.5, 0.8, 0.95)
"""Shares of the pixels that bars are measured for."""
SHOWN = 0.8
"""The share whose bars are written."""


@dataclass(frozen=True)
class ErrorBars:
    """What has to be allowed for around the mean of K samples, to hold a share of the pixels.

    Attributes:
        factors: {share: factor of `expected_error`}. samples: K. pictures: it was measured on.
        setting: what was measured, in plain values: operator, noise, solver, prior.
    """

    factors: Mapping[float, float]
    samples: int
    pictures: int
    setting: Mapping[str, Any]

    @staticmethod
    def measured(errors: Sequence[Tensor], samples: int, setting: Mapping[str, Any]) -> "ErrorBars":
        """The quantiles of relative errors (`relative_error`), one tensor a picture.

        Raises:
            ValueError: where the samples agree so often that a quantile is infinite.
        """
        pooled = torch.cat([e.flatten() for e in errors]).sort().values
        at = {q: float(pooled[min(int(q * len(pooled)), len(pooled) - 1)]) for q in SHARES}
        if float("inf") in at.values():
            raise ValueError(
                "the samples do not differ where they are wrong: this solver's spread says "
                "nothing; take one that draws samples (solver=nested_sharp)"
            )
        return ErrorBars(at, samples, len(errors), setting)

    def half_width(self, samples: Tensor, share: float = SHOWN) -> Tensor:
        """Half of the intervals around the mean of samples (K, B, C, H, W), (B, C, H, W)."""
        return self.factors[share] * expected_error(samples)

    def check(self, samples: int, setting: Mapping[str, Any]) -> None:
        """Raise unless these bars were measured for just this.

        Raises:
            ValueError: for another operator, noise, solver, prior or number of samples.
        """
        other = [k for k, v in setting.items() if v != self.setting.get(k)]
        if samples != self.samples:
            other.append("samples")
        if other:
            raise ValueError(
                f"bars: measured with another {', '.join(other)}; measure anew by inverse "
                f"calibrate, or restore as it was measured (samples={self.samples})"
            )

    def save(self, path: str | Path) -> None:
        """Write them as JSON."""
        write_atomic(path, as_json(asdict(self)))

    @staticmethod
    def load(path: str | Path) -> "ErrorBars":
        """Read them.

        Raises:
            ValueError: for a file that is none. FileNotFoundError: for no file.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"bars {path}: no such file; inverse calibrate writes it")
        try:
            values = json.loads(Path(path).read_text())
            factors = {float(q): float(f) for q, f in values.pop("factors").items()}
            return ErrorBars(factors, **values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"bars {path}: is no file of inverse calibrate; give the one it wrote"
            ) from error
