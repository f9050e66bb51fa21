"""How wrong a prior is, frequency by frequency: measured once, kept beside its weights."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from inverse.denoise.denoisers import Prior
from inverse.denoise.spectra import radius, transformed
from inverse.files import write_atomic
from inverse.levels import Level
from operators import Rng

NSRS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 10.0, 80.0)
PER_OCTAVE = 4


class ErrorSpectrum:
    """The variance of a prior's error at every spatial frequency and noise level.

    `r^2(f, nsr) = E |F (x0 - D(x))|^2`, `x = alpha x0 + sigma n`, F the `transformed` of images:
    orthonormal, so that white noise of variance v has r^2 = v at every frequency.

    Args:
        nsrs: (K,), growing. frequencies: (F,), growing, in cycles per pixel, along the radius.
        variances: (K, C, F), of the C `mixtures` of channels.

    Raises:
        ValueError: for sizes that do not fit each other.
    """

    def __init__(
        self, nsrs: Sequence[float], frequencies: Sequence[float], variances: Tensor
    ) -> None:
        self.nsrs = torch.tensor(nsrs, dtype=torch.float64)
        self.frequencies = torch.tensor(frequencies, dtype=torch.float64)
        self.variances = torch.as_tensor(variances, dtype=torch.float64)
        if self.variances.shape[::2] != (len(self.nsrs), len(self.frequencies)):
            raise ValueError(
                f"ErrorSpectrum: variances must be ({len(self.nsrs)}, C, {len(self.frequencies)}), "
                f"got {tuple(self.variances.shape)}"
            )

    def at(self, level: Level, shape: tuple[int, ...]) -> Tensor:
        """r^2 at a level, on the half plane of `transformed` for images `shape`, float64.

        (C, H, W) -> (C, H, W // 2 + 1). Straight lines between logarithms; below the table's
        levels in proportion to nsr^2, above them as at the last, beyond its frequencies as at the
        nearest.

        Raises:
            ValueError: for images of other channels than it was measured on.
        """
        if shape[0] != self.variances.shape[1]:
            channels = self.variances.shape[1]
            raise ValueError(
                f"the prior's errors were measured on images of {channels} channels, this one has "
                f"{shape[0]}; measure them on such images (inverse errors)"
            )
        nsr, lowest = min(level.nsr, float(self.nsrs[-1])), float(self.nsrs[0])
        place = torch.tensor(max(nsr, lowest), dtype=torch.float64).log()
        row = _between(place, self.nsrs.log(), self.variances.log().movedim(0, -1))
        f = radius(shape).clamp_min(1e-9).log()
        scale = min(nsr / lowest, 1.0) ** 2
        return _between(f, self.frequencies.log(), row).exp() * scale

    def save(self, path: str | Path) -> None:
        """Write the table as JSON, atomically."""
        table = [[[float(f"{v:.4g}") for v in c] for c in row] for row in self.variances.tolist()]
        record = {"nsrs": self.nsrs.tolist(), "frequencies": self.frequencies.tolist()}
        write_atomic(path, json.dumps(record | {"variances": table}) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> ErrorSpectrum:
        """The table in a file that `save` wrote.

        Raises:
            FileNotFoundError, ValueError: when it is missing, or of another kind.
        """
        try:
            record = json.loads(Path(path).read_text())
            return cls(record["nsrs"], record["frequencies"], torch.tensor(record["variances"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is no table of a prior's errors ({error}); delete it and measure "
                "anew: inverse errors"
            ) from error


def beside(weights: str | Path) -> Path:
    """Where the table of a prior lies: `prior.safetensors` has `prior.errors.json` beside it."""
    path = Path(weights)
    return path / "errors.json" if path.is_dir() else path.with_suffix(".errors.json")


def errors_of(weights: str | Path) -> ErrorSpectrum | None:
    """The table beside a prior's weights; None where there is none."""
    path = beside(weights)
    return ErrorSpectrum.load(path) if path.is_file() else None


def measure_errors(
    prior: Prior, images: Tensor, rng: Rng, nsrs: Sequence[float] = NSRS
) -> ErrorSpectrum:
    """Measure a prior's `ErrorSpectrum` on clean images that it was not trained on.

    The mean over images and rings of frequencies, a quarter of an octave wide, of `|F (x0 - D)|^2`
    at `x = x0 + nsr n`. One network call per image and level.

    Args:
        images: (B, C, H, W) in [-1, 1]. rng: one stream per image. nsrs: of the levels, growing.
    """
    f = radius(tuple(images.shape)).flatten()
    places = (PER_OCTAVE * (f.clamp_min(1e-9) * max(images.shape[-2:])).log2()).floor().long()
    rings = [places == k for k in places[f > 0].unique()]
    rows = []
    for nsr in nsrs:
        errors = [
            transformed(x - prior.denoise(x + nsr * rng[i : i + 1].normal(x.shape), Level(1, nsr)))
            for i, x in enumerate(images.split(1))
        ]
        power = torch.cat(errors).abs().double().square().mean(0).flatten(1)
        rows.append(torch.stack([power[:, ring].mean(1) for ring in rings], 1))
    middles = [math.exp(float(f[ring].log().mean())) for ring in rings]
    return ErrorSpectrum(nsrs, middles, torch.stack(rows).cpu())


def _between(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """The polygon through `values` (..., K) at `knots` (K,), taken at x: (..., *x.shape)."""
    last = (torch.searchsorted(knots, x.contiguous()) - 1).clamp(0, max(len(knots) - 2, 0))
    after = (last + 1).clamp_max(len(knots) - 1)
    span = (knots[after] - knots[last]).clamp_min(1e-12)
    part = ((x - knots[last]) / span).clamp(0, 1)
    return values[..., last] * (1 - part) + values[..., after] * part
