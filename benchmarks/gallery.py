"""Every operator and every solver on the same photograph: pictures and page for docs/gallery.

python -m benchmarks.gallery operators [precision=bf16], ... solvers, ... page

Operators are shown by what they measure and by a restoration in 12 network calls (`nested`; `daps`
in 20 where they are not linear), solvers by what they make in about 20 calls of 70 % lost pixels.
"""

import json
import os
import sys
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.catalogue import catalogue
from benchmarks.quality import preset
from benchmarks.record import RESULTS, save
from benchmarks.support import operators, read
from benchmarks.tuned import settings
from inverse.apps.configuration import build
from inverse.images import Tile, panel, sample_photograph, save_image
from inverse.metrics import psnr
from inverse.priors import bundled
from inverse.samplers import Sampler
from inverse.solving import Result, solve
from operators import LinearOperator, Operator, Problem, Rng, gaussian, measure

PAGE = Path(__file__).parent.parent / "docs" / "gallery.md"
FOLDER = PAGE.with_suffix("")
PHOTOGRAPH, SIDE, SIGMA, NFE = "astronaut", 128, 0.05, 20
HEAD = """# Gallery

One photograph ({photograph}, NASA, public domain) at {side} x {side} pixels, noise of standard
deviation {sigma} on [-1, 1], the bundled prior. Made by `python -m benchmarks.gallery`; the figures
are in `benchmarks/results/gallery_*.json`. One picture proves nothing: see
[what to expect](expectations.md) for averages.
"""
OPERATORS = """
## Operators

Left the measurement (back-projected where it is no picture), right a restoration: by `nested` in
12 network calls, by `daps` in 20 where the operator is not linear.
"""
SOLVERS = """
## Solvers

70 % of the pixels lost, restored in about {nfe} network calls (backward passes are counted apart)
with each paper's constants but for the number of steps. This shows what {nfe} calls buy, not what a
method can do: most were published for a hundred to a thousand steps.
"""
CLIPS = """
## Clips

![truth, measurement, restored frame by frame, restored along the motion](clip.gif)

Means of two frames and of 2 x 2 pixels, with noise, restored by `nested_video`; made by
`python -m benchmarks.moving`. [How to restore a clip](how-to/clips.md).
"""


def photograph() -> Tensor:
    return sample_photograph(PHOTOGRAPH, size=SIDE)[None]


def restored(sampler: Sampler, problem: Problem, x: Tensor) -> tuple[dict, Tensor]:
    """The figures of a restoration, and its picture; what went wrong where it failed."""
    try:
        result: Result = solve(sampler, problem, Rng([1]))
    except FloatingPointError as error:
        return {"failed": str(error)}, torch.zeros_like(x[0])
    figures = {"psnr": float(psnr(result.x0, x)), "nfe": result.nfe, "backward": result.backward}
    return figures, result.x0[0]


def of_operators(precision: str) -> None:
    """A pair of pictures and a row for every operator that needs no file."""
    prior, x, rows = bundled(precision), photograph(), []
    samplers: dict[bool, Sampler] = {}
    for linear, name, few in (
        (True, "nested", {"outer_steps": 4}),
        (False, "daps", settings("daps", NFE)),
    ):
        config = preset(name)
        config.update(few)
        samplers[linear] = build(config)(prior)
    for name in operators()[0]:
        operator: Operator = build(read("operator", name), x.shape[1:])
        problem = measure(operator, gaussian(SIGMA), x, Rng([0]))
        row, picture = restored(samplers[isinstance(operator, LinearOperator)], problem, x)
        pair = Tile("", operator.picture(problem.y)[0]), Tile("", picture)
        save_image(panel(pair, size=SIDE), FOLDER / f"operator_{name}.jpg")
        rows.append({"name": name} | row)
        print(rows[-1], flush=True)
    save("gallery_operators", {"precision": precision, "side": SIDE, "sigma": SIGMA}, rows)


def of_solvers(precision: str) -> None:
    """A picture and a row for every solver."""
    prior, x, rows = bundled(precision), photograph(), []
    operator = build(read("operator", "inpaint_random"), x.shape[1:])
    problem = measure(operator, gaussian(SIGMA), x, Rng([0]))
    for name in catalogue():
        config = preset(name)
        config.update(settings(name, NFE))
        row, picture = restored(build(config)(prior), problem, x)
        save_image(picture, FOLDER / f"solver_{name}.jpg")
        rows.append({"name": name} | row)
        print(rows[-1], flush=True)
    config = {"precision": precision, "side": SIDE, "sigma": SIGMA, "nfe": NFE}
    save("gallery_solvers", config, rows)


def caption(row: dict) -> str:
    """What is written below a picture."""
    if "failed" in row:
        return f"`{row['name']}`: diverged"
    calls = f"{row['nfe']} + {row['backward']}" if row["backward"] else row["nfe"]
    return f"`{row['name']}`: {row['psnr']:.1f} dB, {calls} calls"


def figures(kind: str) -> str:
    """The pictures of a result file with their captions, as Markdown inside a grid."""
    rows = json.loads((RESULTS / f"gallery_{kind}s.json").read_text())["rows"]
    cells = (
        f"<figure markdown>\n![{row['name']}](gallery/{kind}_{row['name']}.jpg)\n"
        f"<figcaption markdown>{caption(row)}</figcaption>\n</figure>\n"
        for row in rows
    )
    return f'\n<div class="gallery {kind}s" markdown>\n\n' + "\n".join(cells) + "\n</div>\n"


def page() -> str:
    """The text of docs/gallery.md."""
    head = HEAD.format(photograph=PHOTOGRAPH, side=SIDE, sigma=SIGMA)
    solvers = SOLVERS.format(nfe=NFE)
    return head + OPERATORS + figures("operator") + solvers + figures("solver") + CLIPS


def main(part: str = "page", precision: str = "float32") -> None:
    FOLDER.mkdir(exist_ok=True)
    if part != "page":
        {"operators": of_operators, "solvers": of_solvers}[part](precision)
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(*sys.argv[1:2], *(item.removeprefix("precision=") for item in sys.argv[2:]))
