"""Shared pieces of the tests."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of processes that tests start, too

import pytest  # noqa: E402
import torch  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of every test that is not slow, the first case is quick."""
    seen = set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test not in seen and item.get_closest_marker("slow") is None:
            item.add_marker("quick")
        seen.add(test)


@pytest.fixture
def data() -> Path:
    """The folder of photographs and weights that tests may use but the repository does not hold."""
    folder = os.environ.get("INVERSE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("INVERSE_DATA names no folder of evaluation data")
    return Path(folder)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium: Playwright's own, or the one that INVERSE_CHROMIUM names; or skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("INVERSE_CHROMIUM")
    with playwright.sync_playwright() as driver:
        try:
            it = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium to be had: {str(error).splitlines()[0]}")
        yield it
        it.close()
