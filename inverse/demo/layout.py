"""The parts of the page and where they stand."""

from typing import NamedTuple

import gradio as gr  # pyright: ignore[reportMissingImports]

from inverse.demo.choices import NOISE, Form, Menu
from inverse.demo.views import CANVAS
from inverse.images import PHOTOGRAPHS, sample_photograph, to_picture

INK = "#e6007e"  # of a mask: a colour that photographs rarely have
COLOURS = ["#000000", "#ffffff", "#c0392b", "#e3a57e", "#f1c40f", "#27ae60", "#2e86de", "#6c3483"]


class Parts(NamedTuple):
    """The parts of the page that events read or write."""

    image: gr.State
    examples: gr.Gallery
    upload: gr.UploadButton
    size: gr.Radio
    canvas: gr.ImageEditor
    degradation: gr.Dropdown
    strength: gr.Slider
    sigma: gr.Slider
    solver: gr.Dropdown
    preset: gr.Radio
    seconds: gr.Slider
    samples: gr.Slider
    seed: gr.Number
    restore: gr.Button
    stop: gr.Button
    status: gr.HTML
    seen: gr.Image
    estimate: gr.Image
    compare: gr.ImageSlider
    spread: gr.Image
    step: gr.Slider
    retouch: gr.ImageEditor
    go_on: gr.Button
    command: gr.Textbox
    facts: gr.JSON
    download: gr.DownloadButton


def build(menu: Menu) -> Parts:
    """Lay the page out: choices on the left, what comes of them on the right."""
    gr.Markdown("# anytime-inverse\nSpoil a photograph, watch it come back, stop when you like.")
    with gr.Row():
        with gr.Column(min_width=300):
            chosen = _photograph(menu) | _degradation(menu) | _solver(menu)
        with gr.Column(min_width=300):
            shown = _progress() | _results()
    return Parts(**chosen, **shown)


def _photograph(menu: Menu) -> dict[str, gr.blocks.Block]:
    thumbnails = [(to_picture(sample_photograph(n, size=96)), n) for n in PHOTOGRAPHS]
    image = gr.State(Form().image)
    examples = gr.Gallery(
        thumbnails, columns=4, rows=1, height="auto", allow_preview=False, show_label=False,
        object_fit="cover", buttons=[], interactive=False, elem_id="examples",
    )  # fmt: skip
    upload = gr.UploadButton(
        "or upload a photograph", file_types=[".png", ".jpg", ".jpeg", ".webp"], size="sm",
        elem_id="upload",
    )  # fmt: skip
    size = gr.Radio(
        list(menu.sizes), value=menu.size, label="pixels along each side", elem_id="size"
    )
    canvas = _editor(
        "Paint over what is to be lost", gr.Brush(18, [INK], color_mode="fixed"), "canvas"
    )
    return {"image": image, "examples": examples, "upload": upload, "size": size, "canvas": canvas}


def _editor(label: str, brush: gr.Brush, name: str) -> gr.ImageEditor:
    return gr.ImageEditor(
        label=label, type="pil", format="png", sources=(), transforms=(), brush=brush,
        eraser=gr.Eraser(24), layers=gr.LayerOptions(disabled=True), fixed_canvas=True,
        canvas_size=(CANVAS, CANVAS), height=430, buttons=[], elem_id=name,
    )  # fmt: skip


def _degradation(menu: Menu) -> dict[str, gr.blocks.Block]:
    first = next(iter(menu.degradations.values())).strength
    assert first is not None, "the first degradation has a strength, or the slider no range"
    degradation = gr.Dropdown(list(menu.degradations), label="Degradation", elem_id="degradation")
    with gr.Row():
        strength = gr.Slider(
            first.low, first.high, first.value, step=first.step, label=first.label, min_width=140,
            elem_id="strength",
        )  # fmt: skip
        sigma = gr.Slider(
            *NOISE, Form().sigma, step=0.01, label="noise (std on [-1, 1])", min_width=140
        )
    return {"degradation": degradation, "strength": strength, "sigma": sigma}


def _solver(menu: Menu) -> dict[str, gr.blocks.Block]:
    solver = gr.Dropdown(list(menu.solvers), label="Solver", elem_id="solver")
    preset = gr.Radio(menu.presets, value=Form().preset, label="Preset", elem_id="preset")
    seconds = gr.Slider(
        0, menu.limits.seconds, 0, step=1, label="time budget in seconds (0: the preset's steps)",
        elem_id="seconds",
    )  # fmt: skip
    with gr.Row():
        samples = gr.Slider(
            1, menu.limits.samples, 1, step=1, label="samples", min_width=140, elem_id="samples"
        )
        seed = gr.Number(0, label="seed", precision=0, minimum=0, min_width=140, elem_id="seed")
    return {
        "solver": solver, "preset": preset, "seconds": seconds, "samples": samples, "seed": seed,
    }  # fmt: skip


def _progress() -> dict[str, gr.blocks.Block]:
    with gr.Row():
        restore = gr.Button("Restore", variant="primary", elem_id="restore", min_width=120)
        stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=120)
    status = gr.HTML("", elem_id="status", min_height=44)
    with gr.Row():
        seen = _picture("Measurement", "seen")
        estimate = _picture("Estimate", "estimate")
    return {"restore": restore, "stop": stop, "status": status, "seen": seen, "estimate": estimate}


def _picture(label: str, name: str) -> gr.Image:
    return gr.Image(
        label=label, format="png", type="pil", interactive=False, buttons=["fullscreen"],
        height=300, min_width=140, elem_id=name,
    )  # fmt: skip


def _results() -> dict[str, gr.blocks.Block]:
    with gr.Tabs():
        with gr.Tab("Before | after"):
            compare = gr.ImageSlider(
                label="measurement | restored", format="png", type="pil", elem_id="compare",
                interactive=False, buttons=["fullscreen"],
            )  # fmt: skip
        with gr.Tab("Step in"):
            gr.Markdown(
                "Look at any step. Paint into it, or change the mask or the degradation on the "
                "left, and go on from there."
            )
            step = gr.Slider(1, 2, 1, step=1, label="step", interactive=False, elem_id="step")
            retouch = _editor("Paint into the estimate", gr.Brush(14, COLOURS), "retouch")
            go_on = gr.Button("Continue from this step", variant="primary", elem_id="go_on")
        with gr.Tab("Spread"):
            gr.Markdown(
                "Standard deviation of the samples: dark where they agree. Choose two samples or "
                "more."
            )
            spread = _picture("0 to 0.5 on [-1, 1]", "spread")
        with gr.Tab("Take home"):
            command = gr.Textbox(
                label="the same on the command line", lines=3, buttons=["copy"], elem_id="command",
                interactive=False,
            )  # fmt: skip
            download = gr.DownloadButton("Download everything", interactive=False, elem_id="zip")
            facts = gr.JSON(label="this step", elem_id="facts")
    return {
        "compare": compare, "step": step, "retouch": retouch, "go_on": go_on, "spread": spread,
        "command": command, "download": download, "facts": facts,
    }  # fmt: skip
