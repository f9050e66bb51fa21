"""What a benchmark says of its progress: a bar where one watches, a line a minute in a log."""

import io
import sys
from contextlib import closing

import pytest

from inverse.apps import progress


def row(unit, status="ok"):
    return {"unit": unit, "status": status, "solver": "dps", "operator": "hdr", "error": "Odd: x"}


def test_a_log_gets_a_line_a_minute_and_a_summary(monkeypatch, capsys, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with closing(progress.Watch(8, enabled=True, workers=2)) as watch:
        for k in range(4):
            clock[0] += 30
            watch.update([row(f"u{k}"), row(f"u{k}")], {0: "idle", 1: "starting"})
        clock[0] += 60
        watch.update([row("u4", "failed")], {})
    watch.summary(tmp_path)
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "2/8 units, 0 failed, 03:00 left",
        "4/8 units, 0 failed, 02:00 left",
        "5/8 units, 1 failed, 01:48 left",
        "  1 x dps on hdr: Odd: x",
    ]
    assert out == f"4 done now, 1 failed; look at them: inverse report {tmp_path}\n"


@pytest.mark.parametrize("enabled", [True, False])
def test_a_terminal_gets_a_bar_and_a_line_per_worker(monkeypatch, enabled):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with closing(progress.Watch(2, enabled=enabled, workers=1)) as watch:
        watch.update([row("u", "failed")], {7: "dps on hdr, 3 pictures"})
        watch.bar.refresh()
    shown = screen.getvalue()
    for words in ("50%", "failed=1", "worker 7: dps on hdr, 3 pictures"):
        assert (words in shown) == enabled
