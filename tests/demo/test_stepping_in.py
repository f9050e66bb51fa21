"""Stepping in between outer steps: another mask, paint, and going on."""

import zipfile
from dataclasses import replace

import pytest
import torch

from inverse.demo.bundle import bundle
from inverse.demo.choices import PHOTO
from inverse.demo.uploads import Refused
from tests.demo.shared import BOX, PAINTED, QUICK, finish, stroke


def test_going_on_unchanged_ends_where_it_would_have(session, gate):
    gate.allow()
    whole = session.restore(QUICK, None)
    finish(session)
    at_once = whole.result()
    part = session.go_on(QUICK, None, None, step=2)
    assert finish(session).state == "finished"
    assert torch.equal(part.result().x0, at_once.x0) and part.result().nfe == at_once.nfe == 12
    assert [m.iterate.step for m in part.moments] == [1, 2, 3, 4]
    assert part.changes[0]["after_step"] == 2 and "# without" in part.command


def test_the_mask_can_be_changed_on_the_way(session, gate):
    gate.allow()
    form = replace(QUICK, degradation=PAINTED, strength=None)
    with pytest.raises(Refused, match="paint over what is to be lost"):
        session.restore(form, None)
    run = session.restore(form, stroke())
    finish(session)
    session.go_on(form, stroke(box=(0, 0, 511, 200)), None, step=2)
    finish(session)
    lost = run.job.recipe.problem.operator.mask[0, 0] == 0
    assert lost[:12].all() and not lost[14:].any()
    assert run.moments[-1].iterate.step == 4
    names = zipfile.ZipFile(bundle(run)).namelist()
    assert {"changes.json", "mask.png", "restored.png", "config.yaml"} <= set(names)


def test_what_is_painted_into_a_step_is_taken_up(session, gate):
    gate.allow()
    form = replace(QUICK, degradation=BOX, strength=None)
    run = session.restore(form, None)
    finish(session)
    before = run.moments
    session.go_on(replace(form, seconds=100.0), None, stroke(colour=(255, 0, 0, 255)), step=9)
    assert finish(session).state == "finished"
    painted = run.moments[2].iterate  # the end itself is not gone on from
    assert painted.step == 3 and torch.equal(painted.x0[0, :, 12, 12], torch.tensor([1.0, -1, -1]))
    assert torch.equal(painted.x0[..., 20:], before[2].iterate.x0[..., 20:])
    moved, plain = run.moments[-1].iterate.x0, before[-1].iterate.x0
    assert float((moved - plain)[0, 0, 9:15, 9:15].mean()) > 0.1
    assert run.form.seconds == 100 and "budget.seconds=100" in run.words


def test_there_must_be_something_to_go_on_from(session, gate):
    with pytest.raises(Refused, match="press Restore"):
        session.go_on(QUICK, None, None, 1)
    session.restore(QUICK, None)
    session.stop()
    gate.allow(1)
    finish(session)
    with pytest.raises(Refused, match="no step to go on from"):
        session.go_on(QUICK, None, None, 1)


def test_a_failed_beginning_leaves_the_earlier_run(session, gate):
    gate.allow()
    run = session.restore(QUICK, None)
    finish(session)
    with pytest.raises(Refused, match="no uploaded photograph"):
        session.restore(replace(QUICK, image=PHOTO), None)
    assert session.run is run and len(list(session.folder.iterdir())) == 1
    session.restore(QUICK, None)
    assert not run.folder.exists()
