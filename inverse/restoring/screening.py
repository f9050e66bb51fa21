"""What the restoration of a clip leaves on disk: clips, a contact sheet, scores of every frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from inverse.files import as_json, write_atomic
from inverse.images import contact_sheet, save_clip, save_image, visible
from inverse.metrics import LPIPS, score
from inverse.restoring.footage import Footage
from inverse.restoring.report import peak_memory_mb
from inverse.solving import Result


@dataclass(frozen=True, eq=False)
class Screening:
    """A restored clip (C, T, H, W), and how to write it down.

    Attributes:
        truth: None where nobody knows it. runs: the results of all windows.
        suffix: of the clips that are written; empty: a folder of frames. rate: frames a second.
    """

    footage: Footage
    x: Tensor
    truth: Tensor | None
    runs: Sequence[Result]
    suffix: str
    rate: float
    lpips: LPIPS | None = None
    missing: str | None = None
    device: torch.device = torch.device("cpu")

    def metrics(self) -> dict:
        """What goes into metrics.json: plain numbers, scores one entry per frame.

        `flicker` is the mean of `(e_t - e_{t-1})^2`, `e = x - truth`, over pixels and frames.
        """
        scores: dict = {}
        if self.truth is not None:
            scores = score(self.x.movedim(1, 0), self.truth.movedim(1, 0), self.lpips)
            if "lpips" not in scores:
                scores |= {"lpips": None, "lpips_missing": self.missing or "frames too small"}
            error = self.x - self.truth
            scores["flicker"] = float((error[:, 1:] - error[:, :-1]).square().mean())
        problem, time, memory = self.footage.frames.problem, self.footage.time, self.device
        return scores | {
            "frames": self.x.shape[1],
            "windows": len(self.runs),
            "residual": [value for run in self.runs for value in run.residual.tolist()],
            "nfe": sum(run.nfe for run in self.runs),
            "nfe_backward": sum(run.backward for run in self.runs),
            "seconds": round(sum(run.seconds for run in self.runs), 3),
            "finished": all(run.finished for run in self.runs),
            "peak_memory_mb": (used := peak_memory_mb(memory)) and round(used),
            "noise": repr(problem.noise),
            "operator": problem.operator.describe(),
            "time": time and time.describe(),
        }

    def write(self, folder: Path, out: str | None = None) -> dict:
        """Write clips, contact sheet and metrics.json into `folder`; returns the metrics.

        Args:
            out: where to write the restored clip, too.
        """
        folder.mkdir(parents=True, exist_ok=True)
        seen = self.measurement()
        for name, clip in (("restored", self.x), ("measurement", seen)):
            save_clip(shown(clip), folder / f"{name}{self.suffix}", rate=self.rate)
        if out is not None:
            save_clip(shown(self.x), out, rate=self.rate)
        rows = [seen, self.x] if self.truth is None else [self.truth, seen, self.x]
        save_image(contact_sheet([self._like(row) for row in rows]), folder / "sheet.png")
        metrics = self.metrics()
        write_atomic(folder / "metrics.json", as_json(metrics))
        return metrics

    def measurement(self) -> Tensor:
        """The measurement as a clip (c, S, h, w), as its operator shows it."""
        problem = self.footage.frames.problem
        return problem.operator.picture(problem.y).movedim(0, 1)

    def _like(self, clip: Tensor) -> Tensor:
        """A clip to look at beside the restored one: its size, and every frame when it was."""
        _, frames, *sides = self.x.shape
        when = torch.arange(frames) * clip.shape[1] // frames
        pictures = interpolate(shown(clip)[:, when].movedim(1, 0), sides)
        return pictures.expand(-1, 3, -1, -1).movedim(0, 1)


def shown(clip: Tensor) -> Tensor:
    """A clip (C, T, H, W) of one or three channels, as `visible` has its frames."""
    return torch.stack([visible(frame) for frame in clip.movedim(1, 0)], 1)


def suffix_like(source: str | Path) -> str:
    """The suffix of the files that a clip is restored into: its own; empty for a folder."""
    return "" if Path(source).expanduser().is_dir() else Path(source).suffix.lower()
