"""Every measure of a restoration as a named column, and the conventions they were taken in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from inverse.benchmarking.columns import Row
from inverse.benchmarking.grid import weights_digest
from inverse.benchmarking.restoring import Restored
from inverse.images import from_unit, to_unit
from inverse.metrics import (
    DISTS,
    LPIPS,
    blurriness,
    coverage,
    crps,
    ms_ssim,
    psnr,
    psnr_where,
    ssim,
    variance_ratio,
)
from inverse.metrics.fidelity import MS_SSIM_SIDE, SSIM_WINDOW
from inverse.metrics.unreferenced import BLUR_SIDE
from inverse.solving import Snapshot


@dataclass(frozen=True)
class Conventions:
    """What papers differ in; each is a column of every row.

    Attributes:
        size: the side that the pictures' central square is resized to, or None: as they are.
        rounding: "none", or "uint8": restorations are rounded to 8 bits before they are scored.
        border: pixels cut off all around before scoring.
        crop, noise_range, colour, ssim_window: fixed here, and told.
    """

    size: int | None = None
    rounding: str = "none"
    border: int = 0
    crop: str = "largest central square, Lanczos"
    noise_range: str = "[-1, 1]"
    colour: str = "RGB"
    ssim_window: str = "gaussian 11, sigma 1.5, no border"

    def __post_init__(self) -> None:
        if self.size is None:
            object.__setattr__(self, "crop", "none")
        if self.rounding not in ("none", "uint8"):
            raise ValueError(f"rounding must be none or uint8, got {self.rounding!r}")
        if self.border < 0:
            raise ValueError(f"border must be 0 or more pixels, got {self.border}")

    def apply(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] as they are scored."""
        if self.rounding == "uint8":
            x = from_unit((to_unit(x) * 255).round() / 255)
        return self.cut(x)

    def cut(self, x: Tensor) -> Tensor:
        """Without the border."""
        return x[
            ..., self.border : x.shape[-2] - self.border, self.border : x.shape[-1] - self.border
        ]


class Scorer:
    """Scores restorations against their truth.

    Args:
        networks: by the column each fills, such as {"lpips_alex": ...}.
    """

    def __init__(
        self, conventions: Conventions, networks: Mapping[str, LPIPS | DISTS] | None = None
    ) -> None:
        self.conventions, self.networks = conventions, dict(networks or {})

    def to(self, device: str) -> None:
        """Move the networks."""
        for network in self.networks.values():
            network.to(device)

    def columns(self) -> Row:
        """The conventions as a row tells them."""
        return Row(**asdict(self.conventions), perceptual=" ".join(self.networks) or "none")

    def identity(self) -> dict[str, Any]:
        """All that scores depend on, for the hash of the work."""
        networks = {name: weights_digest(network) for name, network in self.networks.items()}
        return asdict(self.conventions) | {"perceptual": networks}

    def __call__(
        self, truth: Tensor, samples: Sequence[Restored], mask: Tensor | None
    ) -> list[Row]:
        """The measures of every sample of one picture, those that such a picture has.

        truth: (C, H, W). mask: 1 where a value is measured, (1, 1 or C, H, W), or None.
        """
        x = torch.stack([sample.x0 for sample in samples])
        values = self._images(x, truth, mask)
        shared = self._calibration(x, truth)
        return [
            Row(residual=sample.residual, **{name: v[k] for name, v in values.items()})
            | shared
            | self._curve(sample.curve, truth)
            for k, sample in enumerate(samples)
        ]

    def _images(self, x: Tensor, truth: Tensor, mask: Tensor | None) -> dict[str, Any]:
        """Columns of a value per sample."""
        x = self.conventions.apply(x)
        ref = self.conventions.cut(truth[None]).expand_as(x)
        side = min(x.shape[-2:])
        found = {
            "psnr": psnr(x, ref),
            "ssim": ssim(x, ref) if side >= SSIM_WINDOW else None,
            "ms_ssim": ms_ssim(x, ref) if side >= MS_SSIM_SIDE else None,
            "blurriness": blurriness(x) if side >= BLUR_SIDE else None,
        }
        for name, network in self.networks.items():
            found[name] = network(x, ref) if side >= network.smallest else None
        if mask is not None:
            where = self.conventions.cut(mask)
            found["psnr_kept"] = psnr_where(x, ref, where)
            found["psnr_lost"] = psnr_where(x, ref, 1 - where)
        return {name: v.tolist() for name, v in found.items() if v is not None}

    def _calibration(self, x: Tensor, truth: Tensor) -> Row:
        if len(x) < 2:
            return {}
        samples, ref = self.conventions.cut(x)[:, None], self.conventions.cut(truth)[None]
        covered, nominal = coverage(samples, ref)
        of_mean = psnr(self.conventions.apply(x.mean(0, keepdim=True)), ref)
        return {
            "crps": float(crps(samples, ref)),
            "coverage": float(covered),
            "coverage_nominal": nominal,
            "variance_ratio": float(variance_ratio(samples, ref)),
            "psnr_of_mean": float(of_mean),
        }

    def _curve(self, curve: Sequence[Snapshot], truth: Tensor) -> Row:
        if not curve:
            return {}
        x = self.conventions.apply(torch.stack([s.x0 for s in curve]))
        ref = self.conventions.cut(truth[None]).expand_as(x)
        side = min(x.shape[-2:])
        found: dict[str, Any] = {
            "curve_nfe": [s.nfe for s in curve],
            "curve_seconds": [s.seconds for s in curve],
            "curve_psnr": psnr(x, ref).tolist(),
        }
        for name, network in self.networks.items():
            if side >= network.smallest:
                found[f"curve_{name}"] = network(x, ref).tolist()
        return Row(**found)
