"""The page in a real browser: Chromium, headless, driven by Playwright.

Skipped without gradio, playwright or a browser: Playwright's own, or the one that INVERSE_CHROMIUM
names. With INVERSE_SCREENSHOTS=docs the README's pictures are made anew, by the bundled prior.
"""

import os
import re
import socket
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from inverse.apps.demo import recipe
from inverse.demo.choices import PHOTO, Menu, Solver
from inverse.demo.line import Line
from inverse.demo.sessions import Sessions, Workshop
from inverse.priors import bundled
from tests.demo.shared import CONFIG, Gate
from tests.inverse.solver_cases import tiny_prior

pytest.importorskip("gradio", reason="gradio is not installed (extra demo)")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=60_000)

SHOTS = os.environ.get("INVERSE_SCREENSHOTS")
MENU = Menu.read({**CONFIG, "sizes": [64, 128, 192, 256], "size": 64})
QUICK = {"usual": {"outer_steps": 4, "inner_least": 3}}  # four steps of three calls
FAST = {next(iter(MENU.solvers)): Solver("nested", QUICK)}


class Site:
    """A running page, its sessions, and the addresses that it or its visitors asked for."""

    def __init__(self, menu, prior):
        from inverse.demo.page import launch, page

        self.line = Line(4)
        self.sessions = Sessions(Workshop(menu, partial(recipe, prior, "cpu"), self.line))
        self.blocks = page(self.sessions)
        self.address = launch(self.blocks, menu, "127.0.0.1", None)
        self.asked = set()

    @contextmanager
    def visitor(self, browser, width=1280, height=1000):
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("request", lambda request: self.asked.add(urlsplit(request.url)))
        page.goto(self.address)
        page.wait_for_selector("#canvas canvas")
        expect(page.locator("#seen img")).to_be_visible()  # all that happens on loading is done
        yield page
        context.close()

    def newest(self):
        return list(self.sessions._all.values())[-1]

    def close(self):
        self.sessions.close()
        self.line.close()
        self.blocks.close(verbose=False)


@pytest.fixture(scope="module")
def connected():
    """Every address that this process connected to."""
    found, connect = [], socket.socket.connect

    def watched(self, address):
        found.append(address)
        return connect(self, address)

    socket.socket.connect = watched
    yield found
    socket.socket.connect = connect


@pytest.fixture(scope="module")
def site(browser, connected, tmp_path_factory):
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("gradio"))
    prior = tiny_prior()
    gate = Gate(prior)
    it = Site(replace(MENU, solvers=FAST), prior)
    it.gate = gate
    yield it
    gate.allow(10_000)
    it.close()


@pytest.fixture
def gate(site):
    """Holds the network until it is allowed on; what an earlier test left is taken back."""
    while site.gate.permits.acquire(blocking=False):
        pass
    return site.gate


def head(page, text):
    expect(page.locator("#status .status b")).to_contain_text(text)


def paint(page, where, begin, end):
    """A brush stroke, from and to shares of the canvas."""
    canvas = page.locator(f"{where} canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y, width, height = (box[key] for key in ("x", "y", "width", "height"))
    page.mouse.move(x + begin[0] * width, y + begin[1] * height)
    page.mouse.down()
    page.mouse.move(x + end[0] * width, y + end[1] * height, steps=5)
    page.mouse.up()


def upload(page, file):
    with page.expect_file_chooser() as chooser:
        page.click("#upload")
    chooser.value.set_files(file)


def fits(page):
    """No part of the page is wider than its window."""
    sides = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    wide, window = page.evaluate(sides)
    return wide <= window


def test_every_step_is_shown_before_the_end(site, browser, gate, tmp_path):
    with site.visitor(browser) as page:
        page.click("#restore")
        gate.allow(4)
        head(page, "step 1 of 4")
        expect(page.locator("#estimate img")).to_be_visible()
        expect(page.locator("#status")).to_contain_text("residual")
        first = page.get_attribute("#estimate img", "src")
        assert gate.calls and not site.newest().run.job.done
        gate.allow(3)
        head(page, "step 2 of 4")
        page.wait_for_function(
            "src => document.querySelector('#estimate img').src != src", arg=first
        )
        gate.allow(5)
        head(page, "finished after 4 steps")
        expect(page.locator("#compare img").first).to_be_visible()
        page.get_by_role("tab", name="Take home").click()
        expect(page.locator("#command textarea")).to_have_value(site.newest().run.command)
        with page.expect_download() as download:
            page.click("#zip")
        download.value.save_as(tmp_path / "all.zip")
        names = zipfile.ZipFile(tmp_path / "all.zip").namelist()
        assert {"restored.png", "measurement.npy", "command.txt", "metrics.json"} <= set(names)


def test_stopping_painting_into_the_picture_and_going_on(site, browser, gate):
    with site.visitor(browser) as page:
        page.click("#restore")
        gate.allow(7)
        head(page, "step 2 of 4")
        page.click("#stop")
        gate.allow(1)
        head(page, "stopped after step 2 of 4")
        page.get_by_role("tab", name="Step in").click()
        expect(page.locator("#step input").first).to_have_value("2")
        expect(page.locator("#retouch canvas").first).to_be_visible()
        page.wait_for_timeout(500)  # the canvas takes its picture in
        paint(page, "#retouch", (0.45, 0.4), (0.55, 0.6))
        gate.allow(6)
        page.click("#go_on")
        head(page, "finished after 4 steps")
        run = site.newest().run
        assert run.changes[0]["painted"] and run.changes[0]["after_step"] == 2
        dark = run.moments[1].iterate.x0[0] == -1  # the brush is black at first
        assert 20 < int(dark.all(0).sum()) < 2000 and run.moments[-1].iterate.step == 4


def test_what_is_painted_over_is_lost(site, browser, gate):
    gate.allow(100)
    with site.visitor(browser) as page:
        paint(page, "#canvas", (0.45, 0.4), (0.55, 0.5))
        expect(page.locator("#degradation input")).to_have_value("painted by you")
        page.click("#restore")
        head(page, "finished")
        lost = site.newest().run.job.recipe.problem.operator.mask == 0
        assert 20 < int(lost.sum()) < 1000
        paint(page, "#canvas", (0.45, 0.7), (0.55, 0.7))
        page.get_by_role("tab", name="Step in").click()
        run = site.newest().run
        page.click("#go_on")
        page.get_by_role("tab", name="Take home").click()
        expect(page.locator("#command textarea")).to_have_value(re.compile("changed by hand"))
        head(page, "finished")
        again = run.job.recipe.problem.operator.mask == 0
        assert int(again.sum()) > int(lost.sum())


def test_bad_uploads_are_told_and_good_ones_taken(site, browser, gate, tmp_path):
    gate.allow(100)
    (tmp_path / "bad.png").write_bytes(b"this is no picture")
    Image.new("RGB", (80, 100), (0, 90, 200)).save(tmp_path / "blue.png")
    with site.visitor(browser) as page:
        upload(page, tmp_path / "bad.png")
        expect(page.locator("#status [role=alert]")).to_contain_text("cannot be read as a picture")
        upload(page, tmp_path / "blue.png")
        expect(page.locator("#status [role=alert]")).to_have_count(0)
        page.click("#restore")
        head(page, "finished")
        run = site.newest().run
        assert run.form.image == PHOTO and float(run.job.recipe.truth[2].mean()) > 0.5


def test_two_visitors_wait_in_one_line_and_see_their_own(site, browser, gate):
    with site.visitor(browser) as one, site.visitor(browser) as two:
        mine, yours = list(site.sessions._all.values())[-2:]
        one.click("#restore")
        gate.allow(1)
        head(one, "first step")
        two.click("#restore")
        head(two, "waiting: 1 ahead")
        gate.allow(11)
        head(one, "finished")
        gate.allow(12)
        head(two, "finished")
        assert mine is not yours and mine.run is not yours.run and mine.folder != yours.folder
        folder = mine.folder
        one.context.close()
        two.wait_for_timeout(100)
        for _ in range(600):
            if not folder.exists():
                break
            two.wait_for_timeout(100)
        assert not folder.exists() and yours.folder.exists()


def test_a_phone_shows_it_all_without_scrolling_sideways(site, browser, gate):
    gate.allow(100)
    with site.visitor(browser, 390, 844) as page:
        assert fits(page)
        choice = page.locator("#degradation input")
        choice.fill("few Fourier")
        choice.press("Enter")
        expect(page.locator("#strength")).to_contain_text("times fewer")
        expect(page.locator("#strength input").first).to_have_value("4")
        page.click("#restore")
        head(page, "finished")
        assert site.newest().run.form.strength == 4
        for name in ("Before | after", "Step in"):  # the others are in the menu beside them
            page.get_by_role("tab", name=name).click()
            assert fits(page), name


def test_no_request_leaves_the_machine(site, connected, browser, gate):
    with site.visitor(browser):
        pass
    hosts = {url.hostname for url in site.asked if url.scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}
    abroad = [a for a in connected if isinstance(a, tuple) and a[0] not in ("127.0.0.1", "::1")]
    assert connected and not abroad


def test_a_port_that_is_taken_is_told(site):
    from inverse.demo.page import launch

    port = urlsplit(site.address).port
    with pytest.raises(OSError, match=f"127.0.0.1:{port} .* choose another port"):
        launch(site.blocks, MENU, "127.0.0.1", port)


@pytest.mark.skipif(not SHOTS, reason="INVERSE_SCREENSHOTS names no folder")
def test_screenshots(browser, tmp_path):
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path)
    expect.set_options(timeout=240_000)
    site, folder = Site(replace(MENU, size=128), bundled()), Path(SHOTS)
    with site.visitor(browser, 1280, 1120) as page:
        paint(page, "#canvas", (0.4, 0.62), (0.62, 0.72))
        paint(page, "#canvas", (0.42, 0.2), (0.6, 0.3))
        expect(page.locator("#degradation input")).to_have_value("painted by you")
        page.click("#restore")
        head(page, "finished")
        expect(page.locator("#compare img").first).to_be_visible()
        page.wait_for_timeout(1000)
        page.mouse.move(0, 0)
        page.screenshot(path=folder / "demo.png")
        page.set_viewport_size({"width": 390, "height": 844})
        page.locator("#restore").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#restore').scrollIntoView()")
        page.wait_for_timeout(1000)
        page.screenshot(path=folder / "demo_phone.png")
    site.close()
