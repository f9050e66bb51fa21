"""Jobs: steps as they come, stopping, the line before the network, what is kept."""

import zipfile
from dataclasses import replace

import pytest
import torch

from inverse.demo import views
from inverse.demo.bundle import bundle
from inverse.demo.jobs import Job
from inverse.demo.uploads import Refused
from tests.demo.shared import FORM, MENU, QUICK, finish, until


def test_steps_are_seen_as_they_come(session, gate):
    run = session.restore(QUICK, None)
    frames = session.shop.line.follow(run.job, pace=0)
    gate.allow(4)
    seen = next(f for f in frames if f.last is not None)
    assert seen.state == "running" and seen.last.iterate.step == 1
    assert not run.job.done and 3 <= gate.calls <= 4
    gate.allow()
    steps = [f.last.iterate.step for f in frames]
    last = run.moments[-1]
    assert steps[-1] == 4 and last.nfe == 12 and last.residual > 0 and last.seconds > 0


def test_stopping_keeps_the_best_so_far(session, gate):
    run = session.restore(QUICK, None)
    gate.allow(7)
    until(run.job, 2)
    session.stop()
    gate.allow(1)
    frame = finish(session)
    assert frame.state == "stopped" and frame.last.iterate.step == 2 and gate.calls <= 8
    assert "stopped after step 2 of 4" in views.status(frame)
    result = run.result()
    assert not result.finished and torch.equal(result.x0, frame.last.iterate.x0)
    assert "restored.png" in zipfile.ZipFile(bundle(run)).namelist()


def test_stopping_before_a_first_step_leaves_nothing(session, gate):
    run = session.restore(QUICK, None)
    gate.allow(1)
    while gate.calls < 1:
        run.job.wait(-2, 0.01)
    session.stop()
    gate.allow(1)
    frame = finish(session)
    assert frame.state == "stopped" and "before a first step" in views.status(frame)
    with pytest.raises(Refused, match="no restoration yet"):
        bundle(run)


def test_one_job_at_a_time_in_the_order_they_came(sessions, gate):
    line = sessions.shop.line
    first, second, third = (sessions.of(key).restore(QUICK, None).job for key in "abc")
    assert [line.ahead(job) for job in (first, second, third)] == [0, 1, 2]
    assert "waiting: 2 ahead" in views.status(third.frame(line.ahead(third)))
    with pytest.raises(Refused, match="too many"):
        sessions.of("d").restore(QUICK, None)
    assert sessions.of("d").run is None
    second.stop()
    assert second.done and line.ahead(third) == 1
    gate.allow(12)
    assert [f.state for f in line.follow(first, pace=0)][-1] == "finished"
    assert not third.done and not third.moments
    gate.allow(12)
    assert [f.state for f in line.follow(third, pace=0)][-1] == "finished"
    assert second.result is None and gate.calls == 24


def test_a_job_that_nobody_follows_any_more_is_stopped(session, gate):
    run = session.restore(QUICK, None)
    frames = session.shop.line.follow(run.job)
    next(frames)
    frames.close()
    gate.allow()
    while not run.job.done:
        run.job.wait(-2, 0.01)
    assert run.job.frame().state == "stopped" and gate.calls <= 2


def test_a_long_way_keeps_few_steps_and_the_last(shop, tmp_path, gate):
    gate.allow()
    form = replace(FORM, solver="DiffPIR", preset="usual")
    job = Job(shop.make(MENU.words(form), tmp_path))
    job.run()
    steps = [m.iterate.step for m in job.moments]
    assert steps[-1] == 25 and steps[0] == 3 and len(steps) <= 13 and steps == sorted(set(steps))


def test_the_spread_is_of_samples(session, gate):
    gate.allow()
    run = session.restore(replace(QUICK, samples=3), None)
    finish(session)
    assert views.spread(run.moments[-1]).size == (32, 32)
    facts = views.summary(run.moments[-1], run.job.recipe.truth)
    assert len(facts["PSNR of each sample (dB)"]) == 3 and facts["network calls"] == 12
