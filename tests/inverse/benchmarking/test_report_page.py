"""The report's page in a real browser: Chromium, headless, driven by Playwright.

Skipped without playwright or a browser: Playwright's own, or the one that INVERSE_CHROMIUM names.
"""

import pytest

for name in ("pandas", "pyarrow", "jinja2", "matplotlib"):
    pytest.importorskip(name, reason="benchmarks need the extra: benchmark")

from inverse.benchmarking.report import write  # noqa: E402
from tests.inverse import grids_of_benchmarks as small  # noqa: E402


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    pictures = small.photographs(folder / "photos", 2)
    long = "diffpir with a name that is too long for the width of any phone(steps=3, lam=1.0)"
    solvers = [small.diffpir(), small.diffpir(5, long)]
    units = small.work(pictures, seeds=(0,), solver=solvers)
    (folder / "photos" / "photo1.png").write_text("no picture")
    small.run(folder / "store", units)
    return write([str(folder / "store")], folder / "report")


@pytest.fixture(params=[(360, 740), (1280, 900)], ids=["phone", "desk"])
def page(request, browser, report):
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    it = context.new_page()
    asked, wrong = [], []
    it.on("request", lambda call: asked.append(call.url))
    it.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    it.on("pageerror", lambda error: wrong.append(str(error)))
    it.goto(report.as_uri())
    yield it
    assert not wrong
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    context.close()


def test_nothing_is_wider_than_the_screen(page):
    width, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    page.locator("summary").first.click()  # the rows and their commands
    assert page.evaluate("document.documentElement.scrollWidth") <= inner
    plots = page.locator(".plot svg")
    assert plots.count() == 4
    assert all(plots.nth(k).bounding_box()["width"] > 250 for k in range(4))


def test_the_slider_parts_measurement_and_restoration(page):
    figure = page.locator("figure:has(input)").first
    over, slider = figure.locator(".over"), figure.locator("input")

    def shown():
        return over.evaluate("it => getComputedStyle(it).clipPath")

    assert shown() == "inset(0px 50% 0px 0px)"
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    value = int(slider.input_value())
    assert 15 <= value <= 35
    cut = over.evaluate("it => getComputedStyle(it.parentNode).getPropertyValue('--cut')")
    assert cut.strip() == f"{value}%" and shown() != "inset(0px 50% 0px 0px)"


def test_a_tap_enlarges_a_picture_and_another_one_shrinks_it(page):
    figure = page.locator("figure:has(input)").first
    before = figure.bounding_box()["width"]
    figure.locator(".shot").click()
    large = figure.bounding_box()["width"]
    screen = page.evaluate("window.innerWidth")
    assert before * 1.5 < large <= screen
    assert page.evaluate("document.documentElement.scrollWidth") <= screen
    figure.locator(".shot").click()
    assert figure.bounding_box()["width"] == pytest.approx(before)
