"""What the page shows, as pictures (PIL) and words."""

import math
from html import escape
from typing import Any

from PIL import Image
from torch import Tensor

from inverse.demo.jobs import Frame, Moment
from inverse.demo.recipe import RestorationRecipe
from inverse.images import magma, to_picture
from inverse.metrics import psnr, summarise

CANVAS = 512  # pixels along each side of a picture to paint on
SPREAD = 0.5  # the standard deviation, on [-1, 1], at the bright end of the map


def canvas(x: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1], enlarged to be painted on."""
    return to_picture(x).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)


def seen(recipe: RestorationRecipe) -> Image.Image:
    """The measurement as a picture of the image's size."""
    x = recipe.problem.operator.picture(recipe.problem.y[:1])[0]
    picture = to_picture(x if x.shape[0] in (1, 3) else x.mean(0, keepdim=True)).convert("RGB")
    height, width = recipe.truth.shape[1:]
    return picture.resize((width, height), Image.Resampling.NEAREST)


def estimate(moment: Moment) -> Image.Image:
    """The first sample's image at a step."""
    return to_picture(moment.iterate.x0[0])


def spread(moment: Moment) -> Image.Image | None:
    """The map of the samples' standard deviation, dark = sure; None for a single sample."""
    x0 = moment.iterate.x0
    if len(x0) < 2:
        return None
    return to_picture(magma(summarise(x0[:, None]).std[0].mean(0).cpu() / SPREAD))


def status(frame: Frame) -> str:
    """Where a job stands, as HTML: a bar, and step, network calls, seconds and residual."""
    last = frame.last
    step, steps = (last.iterate.step, last.iterate.steps) if last else (0, 0)
    head = {
        "waiting": f"waiting: {frame.ahead} ahead" if frame.ahead else "waiting: next in line",
        "running": f"step {step} of {steps}" if last else "first step",
        "finished": f"finished after {step} steps",
        "stopped": f"stopped after step {step} of {steps}"
        if last
        else "stopped before a first step",
        "failed": "failed",
    }[frame.state]
    facts = [f"{frame.nfe} network calls", f"{frame.seconds:.1f} s"]
    if last is not None and math.isfinite(last.residual):
        facts.append(f"residual {last.residual:.2f}")
    bar = f'<progress value="{step}" max="{max(steps, 1)}"></progress>'
    trouble = alert(frame.error) if frame.state == "failed" and frame.error else ""
    facts_shown = " · ".join(facts)
    return f'<div class="status"><b>{head}</b>{bar}<span>{facts_shown}</span></div>{trouble}'


def alert(message: str) -> str:
    """A message of what went wrong, as HTML."""
    return f'<div class="alert" role="alert">{escape(message)}</div>'


def summary(moment: Moment, truth: Tensor) -> dict[str, Any]:
    """What is known of a step, against the photograph too: plain numbers."""
    iterate = moment.iterate
    close = psnr(iterate.x0, truth.to(iterate.x0).expand_as(iterate.x0))
    return {
        "step": iterate.step,
        "steps": iterate.steps,
        "noise level": round(iterate.level.nsr, 4),
        "network calls": moment.nfe,
        "seconds": round(moment.seconds, 2),
        "residual": round(moment.residual, 3),
        "PSNR of each sample (dB)": [round(value, 2) for value in close.tolist()],
    }
