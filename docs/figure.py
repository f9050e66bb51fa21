"""Draws docs/assets/nested.svg: what flows through a nested sampler, with pictures of a real run.

python docs/figure.py
"""

import base64
import io
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from inverse.images import sample_photograph, to_picture
from inverse.levels import Grid, Level
from inverse.priors import bundled
from inverse.starts import WienerStart
from inverse.steps import Prox
from operators import Problem, Rng, gaussian, inpaint_random, measure

PATH = Path(__file__).parent / "assets" / "nested.svg"
SIDE, STEP = 84, 128  # of a picture, and from one picture to the next
INK, OUTER, INNER = "#222", "#1565c0", "#c2410c"
HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="6" '
    'markerHeight="6" orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>'
)


def flow() -> tuple[Tensor, list[list[tuple[str, Tensor]]]]:
    """The measurement and, for three outer steps, the labelled pictures from state to estimate."""
    x = sample_photograph("astronaut", size=96)[None]
    problem = measure(inpaint_random(x.shape[1:], keep=0.2), gaussian(0.05), x, Rng([0]))
    prior, rng, levels = bundled(), Rng([1]), Grid(3, start=0.3, end=0.08, spacing="log")()
    state, rows = WienerStart()(problem, rng, levels[0]), []
    for a, b in pairwise(levels):
        pictures = [(f"x at {a.nsr:.2f}", state)]
        estimate = inner(prior, state, a, problem, rng, pictures)
        rows.append(pictures)
        state = estimate + 0.5 * b.sigma * rng.normal(state.shape)
    return problem.y, rows


@torch.no_grad()
def inner(
    prior: torch.nn.Module, x: Tensor, level: Level, problem: Problem, rng: Rng, pictures: list
) -> Tensor:
    """The inner process of `nested`, two steps long, keeping what every part makes."""
    walk = Grid(2, end=0.03, spacing="log")(level)
    for a, b in pairwise(walk):
        guess = prior.denoise(x, a)
        pictures.append(("denoised", guess))
        x = Prox(0.18)(guess, a, problem, rng)
        pictures.append(("data step", x))
        if b.sigma:
            x = x + b.sigma * rng.normal(x.shape)
            pictures.append((f"noised to {b.nsr:.2f}", x))
    return x


def image(x: Tensor, left: float, top: float, colour: str) -> str:
    """A picture (1, C, H, W) in a coloured frame."""
    data = io.BytesIO()
    to_picture(x[0]).save(data, format="jpeg", quality=80)
    link = "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
    frame = f'x="{left}" y="{top}" width="{SIDE}" height="{SIDE}"'
    border = f'<rect {frame} fill="none" stroke="{colour}" stroke-width="2"/>'
    return f'<image {frame} href="{link}"/>{border}'


def text(words: str, x: float, y: float, colour: str = INK, size: int = 12) -> str:
    """A line of text, centred."""
    return f'<text x="{x}" y="{y}" fill="{colour}" font-size="{size}">{words}</text>'


def arrow(*points: float, colour: str = INK) -> str:
    """Lines through x, y, x, y, ... with a head."""
    style = f'fill="none" stroke="{colour}" stroke-width="2" marker-end="url(#head)"'
    return f'<polyline points="{" ".join(map(str, points))}" {style}/>'


def row(pictures: list[tuple[str, Tensor]], number: int, top: float) -> list[str]:
    """One outer step: the state, the inner process in its box, the estimate that comes out."""
    last = len(pictures) - 1
    box = f'x="{STEP - 14}" y="{top - 26}" width="{STEP * last + 4}" height="{SIDE + 58}"'
    parts = [f'<rect {box} rx="8" fill="{INNER}" fill-opacity="0.07" stroke="{INNER}"/>']
    parts.append(text("inner process: a denoiser", STEP * last - 20, top - 10, INNER))
    for i, (name, x) in enumerate(pictures):
        left, colour = 10 + i * STEP, INNER if 0 < i < last else OUTER
        parts += [image(x, left, top, colour), text(name, left + SIDE / 2, top + SIDE + 18)]
        if i:
            middle = top + SIDE / 2
            parts.append(arrow(left - STEP + SIDE + 6, middle, left - 8, middle))
    left = 10 + last * STEP + SIDE + 26
    parts.append(text(f"estimate {number}", left + 60, top + 36, OUTER, 13))
    return [*parts, text("stop here or go on", left + 60, top + 56, OUTER)]


def drawing(y: Tensor, rows: list[list[tuple[str, Tensor]]]) -> str:
    """The whole figure as SVG."""
    gap, first, left = 190, 150, 10 + 2 * STEP
    parts = [image(y, left, 12, INK), text("measurement y", left - 62, 60, INK, 13)]
    parts.append(text("enters every data step", left + SIDE + 76, 60))
    parts.append(arrow(left + SIDE / 2, 14 + SIDE, left + SIDE / 2, first - 4))
    start = 10 + SIDE / 2
    for i, pictures in enumerate(rows):
        top = first + i * gap
        parts += row(pictures, i + 1, top)
        if i:
            end = start + (len(pictures) - 1) * STEP
            down, bend = (end, top - gap + SIDE + 26), (end, top - 48, start, top - 48)
            parts.append(arrow(*down, *bend, start, top - 6, colour=OUTER))
            words = "outer process: add noise of the next, lower level"
            parts.append(text(words, 300, top - 54, OUTER))
    size = f'viewBox="0 0 {len(rows[0]) * STEP + 140} {first + len(rows) * gap - 40}"'
    style = 'font-family="sans-serif" text-anchor="middle"'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    body = HEAD + paper + "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{body}</svg>\n'


if __name__ == "__main__":
    PATH.write_text(drawing(*flow()))
