"""Restoring within a budget of seconds or calls, and until Ctrl-C."""

import json
import signal


def test_the_steps_follow_from_the_budget(inverse):
    three = ("solver=nested", "solver.inner_least=3", "solver.inner_most=3")  # calls per outer step
    for nfe, spent in ((4, 3), (16, 15)):
        code, out, _, folder = inverse(f"budget.nfe={nfe}", *three, "solver.outer_steps=4")
        assert code == 0 and "stopped early" not in out
        assert json.loads((folder / "metrics.json").read_text())["nfe"] == spent


def test_without_a_plan_a_budget_stops_with_the_best_so_far(inverse):
    code, out, _, folder = inverse("budget.nfe=3", "plan=false")
    assert code == 0 and "stopped early" in out
    assert json.loads((folder / "metrics.json").read_text())["nfe"] == 3


def test_a_budget_too_small_exits_130(inverse):
    code, _, err, folder = inverse("budget.nfe=1", "solver.inner_least=2")
    assert code == 130 and "before a first restoration" in err
    assert not list(folder.glob("*.png"))


def test_ctrl_c_writes_the_best_so_far(inverse, monkeypatch):
    """A real signal, sent when the second outer step is done."""

    def watch(bar, meter, last):
        if last is not None and last.step == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("inverse.apps.progress.ProgressBar.watch", watch)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a CI's shell ignores it
    try:
        code, out, _, folder = inverse("solver.outer_steps=5")
    finally:
        signal.signal(signal.SIGINT, before)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and "stopped early" in out
    assert metrics["finished"] is False and metrics["nfe"] == 4
    assert (folder / "restored.png").is_file()
