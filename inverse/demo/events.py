"""What happens on the page: from the values of its parts to updates of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]
from PIL import Image

from inverse.demo import views
from inverse.demo.bundle import bundle
from inverse.demo.choices import PHOTO, Form, Menu
from inverse.demo.layout import Parts
from inverse.demo.painting import flatten
from inverse.demo.runs import Run
from inverse.demo.sessions import Session, Sessions
from inverse.images import PHOTOGRAPHS, load_image, sample_photograph

TROUBLE = (ValueError, TypeError, OSError, RuntimeError)  # worth telling the visitor in words
Updates = dict[Any, Any]


CHOICES = ("image", "size", "degradation", "strength", "sigma", "solver", "preset", "seconds")
CHOICES += ("samples", "seed")


def form_of(menu: Menu, values: Sequence[Any]) -> Form:
    """The form that the values of CHOICES fill in."""
    form = Form(**dict(zip(CHOICES, values, strict=True)))
    slides = menu.degradations[form.degradation].strength is not None
    return replace(
        form,
        strength=form.strength if slides else None,
        seconds=form.seconds or None,
        samples=int(form.samples),
        seed=int(form.seed or 0),
    )


def layers(editor: dict[str, Any] | None) -> Image.Image | None:
    """What is painted in an editor, if anything."""
    return flatten((editor or {}).get("layers") or [])


class Events:
    """The handlers of one page; each finds the visitor's session by the request."""

    def __init__(self, sessions: Sessions, parts: Parts) -> None:
        self.sessions, self.menu, self.parts = sessions, sessions.shop.menu, parts

    def session(self, request: gr.Request) -> Session:
        return self.sessions.of(str(request.session_hash))

    def leave(self, request: gr.Request) -> None:
        """The visitor closed the page."""
        self.sessions.drop(str(request.session_hash))

    def upload(self, request: gr.Request, path: str, size: int) -> Updates:
        """Take in a file; what Gradio kept of it is deleted."""
        try:
            self.session(request).take(path)
        except TROUBLE as error:
            return self._trouble(error)
        finally:
            Path(path).unlink(missing_ok=True)
        return self.choose(request, PHOTO, size)

    def example(self, request: gr.Request, event: gr.SelectData, size: int) -> Updates:
        """Choose one of the photographs that come along."""
        return self.choose(request, list(PHOTOGRAPHS)[event.index], size)  # pyright: ignore

    def choose(self, request: gr.Request, image: str, size: int) -> Updates:
        """Put a photograph on the canvas."""
        if image == PHOTO:
            upload = self.session(request).upload
            if not upload.exists():
                return self._trouble(ValueError("this page slept; upload the photograph again"))
            x = load_image(upload, size=size)
        else:
            x = sample_photograph(image, size=size)
        parts = self.parts
        return {parts.image: image, parts.canvas: views.canvas(x), parts.status: ""}

    def degrade(self, degradation: str) -> Updates:
        """Let the slider be that of the degradation's strength."""
        strength = self.menu.degradations[degradation].strength
        if strength is None:
            return {self.parts.strength: gr.update(visible=False)}
        low, high, step = strength.low, strength.high, strength.step
        return {
            self.parts.strength: gr.update(
                visible=True, label=strength.label, minimum=low, maximum=high, step=step,
                value=strength.value,
            )
        }  # fmt: skip

    def painted(self, canvas: dict[str, Any] | None, degradation: str) -> Updates:
        """Who paints on the photograph wants that lost."""
        if layers(canvas) is None or self.menu.degradations[degradation].painted:
            return {self.parts.status: gr.skip()}
        label = next(name for name, it in self.menu.degradations.items() if it.painted)
        return {self.parts.degradation: label}

    def preview(self, request: gr.Request, canvas: dict[str, Any] | None, *values: Any) -> Updates:
        """Show the measurement and the command of what is chosen, before any of it is done."""
        form, paint = form_of(self.menu, values), layers(canvas)
        if self.menu.degradations[form.degradation].painted and paint is None:
            return {self.parts.status: "Paint over what is to be lost, then press Restore."}
        try:
            recipe = self.session(request).preview(form, paint)
        except TROUBLE as error:
            return self._trouble(error)
        words = f"inverse restore {' '.join(self.menu.words(form))}"
        return {self.parts.seen: views.seen(recipe), self.parts.command: words}

    def restore(
        self, request: gr.Request, canvas: dict[str, Any] | None, *values: Any
    ) -> Iterator[Updates]:
        """Restore, and show every step as it comes."""
        session = self.session(request)
        try:
            run = session.restore(form_of(self.menu, values), layers(canvas))
        except TROUBLE as error:
            yield self._trouble(error)
            return
        yield from self._follow(session, run)

    def go_on(
        self,
        request: gr.Request,
        canvas: dict[str, Any] | None,
        retouch: dict[str, Any] | None,
        step: float,
        *values: Any,
    ) -> Iterator[Updates]:
        """Go on from a step with what was changed by hand."""
        session, form = self.session(request), form_of(self.menu, values)
        try:
            run = session.go_on(form, layers(canvas), layers(retouch), int(step))
        except TROUBLE as error:
            yield self._trouble(error)
            return
        yield from self._follow(session, run)

    def stop(self, request: gr.Request) -> None:
        """Stop; whoever follows the run shows the best so far."""
        self.session(request).stop()

    def look(self, request: gr.Request, step: float) -> Updates:
        """Show an earlier step."""
        run = self.session(request).run
        shown = [m for m in run.moments if m.iterate.step <= step] if run else []
        if run is None or not shown:
            return {self.parts.status: gr.skip()}
        return self._picture(run, shown[-1])

    def _follow(self, session: Session, run: Run) -> Iterator[Updates]:
        parts, job, shown = self.parts, run.job, None
        none = gr.update(value=None, interactive=False)
        yield {parts.seen: views.seen(job.recipe), parts.command: run.command, parts.download: none}
        for frame in self.sessions.shop.line.follow(job):
            updates: Updates = {parts.status: views.status(frame)}
            if frame.last is not None and frame.last is not shown:
                shown = frame.last
                updates[parts.estimate] = views.estimate(shown)
            yield updates
        if run.moments and session.run is run and run.job is job:  # no other took its place
            yield self._picture(run, run.moments[-1]) | self._home(run)

    def _picture(self, run: Run, moment: Any) -> Updates:
        parts, picture = self.parts, views.estimate(moment)
        return {
            parts.estimate: picture,
            parts.compare: (views.seen(run.job.recipe), picture),
            parts.spread: gr.update(value=views.spread(moment), visible=len(moment.iterate.x0) > 1),
            parts.retouch: views.canvas(moment.iterate.x0[0]),
            parts.facts: views.summary(moment, run.job.recipe.truth),
        }

    def _home(self, run: Run) -> Updates:
        last = run.moments[-1].iterate
        return {
            self.parts.step: gr.update(
                maximum=max(last.step, 2), value=last.step, interactive=True
            ),
            self.parts.download: gr.update(value=str(bundle(run)), interactive=True),
        }

    def _trouble(self, error: Exception) -> Updates:
        message = str(error) or type(error).__name__
        gr.Warning(message, title="")
        return {self.parts.status: views.alert(message)}
