"""What is measured of a restoration, and the line that says it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from inverse.metrics import LPIPS, Unavailable


def measure(config: DictConfig) -> tuple[LPIPS | None, str | None]:
    """LPIPS as configured; or None, and why it is missing."""
    if config.lpips is None or (config.measurement is not None and config.truth is None):
        return None, "not asked for"
    try:
        return LPIPS(config.lpips, config.lpips_weights), None
    except Unavailable as error:
        print(f"LPIPS is missing: {error}", file=sys.stderr)
        return None, str(error)


def summary(name: str, metrics: dict, folder: Path, found: Sequence[str]) -> str:
    """One line on a restoration: scores of the first sample, or the means over a clip's frames."""
    shown = {key: metrics[key] for key in ("psnr", "lpips") if metrics.get(key)}
    count = metrics.get("frames", 1)
    psnr, lpips = (sum(shown.get(key, [])[:count]) / count for key in ("psnr", "lpips"))
    scores = [f"PSNR {psnr:.2f} dB"] if "psnr" in shown else []
    if "lpips" in shown:
        scores.append(f"LPIPS {lpips:.3f}")
    scores += [f"no {key.upper()}" for key in ("ssim", "lpips") if metrics.get(key, 0) is None]
    stopped = "" if metrics["finished"] else " (stopped early, best so far)"
    scores.append(f"{metrics['nfe']} network calls in {metrics['seconds']:.1f} s{stopped}")
    return f"{name}: {', '.join([*scores, *found])} -> {folder}"
