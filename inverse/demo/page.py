"""The page: what calls what, and the server."""

import logging
import os
import shutil
import socket
import tempfile
import webbrowser
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]

from inverse.demo.choices import Menu
from inverse.demo.events import CHOICES, Events
from inverse.demo.layout import Parts, build
from inverse.demo.sessions import Sessions

CSS = """
.status { display: flex; flex-wrap: wrap; gap: .3em 1em; align-items: center; min-height: 2.2em }
.status progress { flex: 1 1 6em; height: .6em; accent-color: var(--color-accent) }
.alert { border-left: 4px solid #c2410c; padding: .4em .8em; margin-top: .3em;
  background: var(--background-fill-secondary) }
#examples, #examples > div, #examples .grid-wrap { height: auto !important; min-height: 0 }
#seen img, #estimate img, #spread img { width: 100%; height: 100%; object-fit: contain;
  image-rendering: pixelated }
"""
THEME = gr.themes.Default(  # no font that would be fetched
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
)


def serve(sessions: Sessions, host: str, port: int | None, *, open_browser: bool) -> None:
    """Serve the page until interrupted; no request leaves the machine.

    Raises:
        OSError: when the port is taken.
    """
    kept = tempfile.mkdtemp(prefix="inverse-demo-page-")
    os.environ["GRADIO_TEMP_DIR"] = kept
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every look at our own server
    try:
        blocks = page(sessions)
        address = launch(blocks, sessions.shop.menu, host, port)
        print(f"restore in the browser at {address} (Ctrl-C ends it)", flush=True)
        if open_browser:
            webbrowser.open(address)
        blocks.block_thread()
    finally:
        shutil.rmtree(kept, ignore_errors=True)


def launch(blocks: gr.Blocks, menu: Menu, host: str, port: int | None) -> str:
    """Start the server in threads of its own; the page's address on this machine.

    Raises:
        OSError: when the port is taken.
    """
    if port is not None:
        _expect_free(host, port)
    blocks.queue(default_concurrency_limit=4, api_open=False)
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        footer_links=[],
        max_file_size=int(2e6 * menu.limits.megabytes),  # up to half of it we refuse in words
        ssr_mode=False,
        pwa=False,
        theme=THEME,
        css=CSS,
    )
    return address


def _expect_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            f"cannot serve on {host}:{port} ({reason}); choose another port=..., or port=null"
        ) from error


def page(sessions: Sessions) -> gr.Blocks:
    """The page of all visitors."""
    with gr.Blocks(
        title="anytime-inverse", analytics_enabled=False, delete_cache=(600, 3600)
    ) as blocks:
        parts = build(sessions.shop.menu)
        _connect(Events(sessions, parts), parts, blocks)
    return blocks


def _connect(events: Events, parts: Parts, blocks: gr.Blocks) -> None:
    every = set(parts) - {parts.examples, parts.upload, parts.restore, parts.stop, parts.go_on}
    choices = [getattr(parts, name) for name in CHOICES]
    calm: dict[str, Any] = {"outputs": every, "show_progress": "hidden"}
    calm |= {"api_visibility": "private"}
    latest = calm | {"trigger_mode": "always_last"}
    long = calm | {"concurrency_limit": None}  # they wait in a line of our own

    def measured(event: Any) -> None:
        event.then(events.preview, [parts.canvas, *choices], **calm)

    measured(blocks.load(events.choose, [parts.image, parts.size], **calm))
    measured(parts.upload.upload(events.upload, [parts.upload, parts.size], **calm))
    measured(parts.examples.select(events.example, parts.size, **calm))
    measured(parts.size.input(events.choose, [parts.image, parts.size], **latest))
    measured(parts.degradation.change(events.degrade, parts.degradation, **latest))
    measured(parts.canvas.input(events.painted, [parts.canvas, parts.degradation], **latest))
    for name in ("strength", "sigma", "solver", "preset", "seconds", "samples", "seed"):
        getattr(parts, name).input(events.preview, [parts.canvas, *choices], **latest)
    parts.restore.click(events.restore, [parts.canvas, *choices], **long)
    parts.go_on.click(events.go_on, [parts.canvas, parts.retouch, parts.step, *choices], **long)
    parts.step.release(events.look, parts.step, **latest)
    parts.stop.click(events.stop, None, None, queue=False, api_visibility="private")
    blocks.unload(events.leave)
