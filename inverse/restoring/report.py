"""What a restoration leaves on disk: pictures, samples, scores."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inverse.files import as_json, write_atomic
from inverse.images import (
    Tile,
    anytime_strip,
    error_tile,
    panel,
    progress,
    save_measurement,
    visible,
)
from inverse.images import save_image as save
from inverse.metrics import LPIPS, psnr, score, summarise
from inverse.metrics.fidelity import SSIM_WINDOW
from inverse.restoring.errorbars import SHOWN, ErrorBars
from inverse.solving import Result, Snapshot
from operators import Problem

PICTURES = (1, 3)  # channels of what a PNG shows
SNAPSHOTS = 24  # of the way, at most, in anytime.png
VALUES = 2**27  # of all snapshots together


def kept(problem: Problem) -> int:
    """How many estimates of the way to keep for a report: fewer of large images, at least one."""
    values = len(problem) * math.prod(problem.operator.in_shape)
    return max(1, min(SNAPSHOTS, VALUES // values))


@dataclass(frozen=True)
class Report:
    """A finished restoration of one image by K samples, and how to write it down.

    Attributes:
        truth: (3, H, W), or None in real mode. problem: of the K samples. result: of `solve`.
        lpips: the measure, or None; missing: why it could not be had.
        device: that restored it, wherever the tensors are by now.
        bars: of the mean of the samples, if they were measured.
    """

    truth: Tensor | None
    problem: Problem
    result: Result
    lpips: LPIPS | None = None
    missing: str | None = None
    device: torch.device = torch.device("cpu")
    bars: ErrorBars | None = None

    def metrics(self) -> dict:
        """What goes into metrics.json: plain numbers, one entry per sample where they differ."""
        result = self.result
        scores: dict = {}
        if self.truth is not None:
            truth = self.truth.expand_as(result.x0)
            lpips = self.lpips if len(self.truth) in PICTURES else None
            scores = score(result.x0, truth, lpips)
            if len(result.x0) > 1:
                mean = result.x0.mean(0, keepdim=True)
                scores["mean_of_samples"] = score(mean, self.truth[None], lpips)
                scores |= self._calibration(self.truth)
            for name, why in self._reasons().items():
                if name not in scores:
                    scores |= {name: None, f"{name}_missing": why}
        sigma, memory = self.problem.sigma, peak_memory_mb(self.device)
        return (
            scores
            | self._bars()
            | {
                "residual": result.residual.tolist(),
                "nfe": result.nfe,
                "nfe_backward": result.backward,
                "seconds": round(result.seconds, 3),
                "finished": result.finished,
                "peak_memory_mb": memory and round(memory),
                "sigma": sigma.tolist() if isinstance(sigma, Tensor) else sigma,
                "estimated": {
                    name: {"mean": number.told.tolist(), "std": number.std.tolist()}
                    for part in result.found
                    for name, number in part.numbers.items()
                },
                "noise": repr(self.problem.noise),
                "operator": self.problem.operator.describe(),
            }
        )

    def _reasons(self) -> dict[str, str | None]:
        """Why a measure is missing where it is."""
        sides = {"ssim": SSIM_WINDOW} | ({"lpips": self.lpips.smallest} if self.lpips else {})
        small = {k: f"needs sides of at least {least} pixels" for k, least in sides.items()}
        if self.truth is not None and len(self.truth) not in PICTURES:
            small |= {"lpips": "takes grey or colour"}
        return {"lpips": self.missing} | small

    def _calibration(self, truth: Tensor) -> dict:
        summary = summarise(self.result.x0[:, None], truth[None])
        assert summary.crps is not None and summary.coverage is not None
        share = {"share": float(summary.coverage), "nominal": summary.nominal}
        return {"crps": float(summary.crps), "coverage": share}

    def _bars(self) -> dict:
        """What the error bars are, and how much of the truth they hold."""
        if self.bars is None:
            return {}
        half = self.bars.half_width(self.result.x0[:, None])[0]
        told = {"share": SHOWN, "factor": self.bars.factors[SHOWN], "mean": float(half.mean())}
        if self.truth is not None:
            error = (self.result.x0.mean(0) - self.truth).abs()
            told["held"] = float((error <= half).float().mean())
        return {"error_bars": told}

    def write(self, folder: Path) -> dict:
        """Write pictures and metrics.json into `folder`; returns the metrics.

        The pictures come first: whatever a measure fails at, the restoration is there. What is not
        finite (the PSNR of an exact restoration, say) is null in the file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        samples = self.result.x0
        restored, seen = samples[0], self.measurement()
        save(visible(restored), folder / "restored.png")
        save(visible(seen), folder / "measurement.png")
        if restored.shape[0] not in PICTURES:
            save_measurement(samples[:1], folder / "restored.npy")
        save_measurement(self.problem.y[:1], folder / "measurement.npy")
        for part in self.result.found:
            for name, shown in (("kernel", part.kernel), ("kernel_std", part.kernel_std)):
                if shown is not None and part.kernel is not None:
                    save(shown[0] / part.kernel[0].max() * 2 - 1, folder / f"{name}.png")
        if len(samples) > 1:
            tiles = [Tile(f"sample {k}", x) for k, x in enumerate(samples[:16])]
            save(anytime_strip(tiles, columns=4), folder / "samples.png")
            summary = summarise(samples[:, None])
            save(visible(summary.mean[0]), folder / "mean.png")
            save(summary.std[0].mean(0, keepdim=True) * 4 - 1, folder / "std.png")
        if self.bars is not None:
            half = self.bars.half_width(samples[:, None])
            save_measurement(half, folder / "error.npy")
            save(half[0].mean(0, keepdim=True) * 4 - 1, folder / "error.png")
        metrics = self.metrics()
        save(panel(self._tiles(seen, restored, metrics)), folder / "panel.png")
        save(anytime_strip(self._anytime()), folder / "anytime.png")
        write_atomic(folder / "metrics.json", as_json(metrics))
        return metrics

    def measurement(self) -> Tensor:
        """The measurement as a picture (C, h, w), as its operator shows it."""
        return self.problem.operator.picture(self.problem.y)[0]

    def _tiles(self, seen: Tensor, restored: Tensor, metrics: dict) -> list[Tile]:
        if self.truth is None:
            return [Tile("measurement", seen), Tile("restored", restored)]
        caption = f"{metrics['psnr'][0]:.2f} dB"
        if metrics["lpips"] is not None:
            caption += f" · LPIPS {metrics['lpips'][0]:.3f}"
        return [
            Tile("truth", self.truth),
            Tile("measurement", seen),
            Tile("restored", restored, caption),
            error_tile(restored, self.truth),
        ]

    def _anytime(self) -> list[Tile]:
        result, tiles = self.result, []
        last = Snapshot(result.x0, result.nfe, result.seconds)
        shown = [s for s in result.snapshots if not torch.equal(s.x0, last.x0)]
        for snapshot in [*shown, last]:
            x = snapshot.x0[:1]
            found = None if self.truth is None else float(psnr(x, self.truth[None])[0])
            tiles.append(Tile("", x[0], progress(snapshot.nfe, snapshot.seconds, found)))
        return tiles


def peak_memory_mb(device: torch.device) -> float | None:
    """Peak memory in MB: allocated on the GPU, or resident for the process on the CPU.

    None where the system does not tell (Windows). Linux counts in units of 1024 bytes, macOS in
    bytes (`man getrusage`).
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit / 1e6
