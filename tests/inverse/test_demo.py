"""The page's logic without the page: choices, jobs, the line, stepping in, sessions, uploads."""

import io
import json
import shlex
import threading
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image, ImageDraw

from inverse.apps import main as command
from inverse.apps.configuration import FOLDER, build
from inverse.apps.demo import recipe
from inverse.demo import views
from inverse.demo.bundle import bundle
from inverse.demo.choices import MASK, PHOTO, Form, Menu
from inverse.demo.jobs import Job
from inverse.demo.limits import Limits, Refused
from inverse.demo.line import Line
from inverse.demo.painting import flatten, mask_of, paint_over
from inverse.demo.sessions import Sessions, Workshop
from inverse.demo.uploads import accept
from inverse.images import load_image
from inverse.priors import load_prior, save_prior
from tests.inverse.test_solvers import tiny_prior

CONFIG = OmegaConf.to_container(OmegaConf.load(FOLDER / "demo.yaml"))
SHARP = "nested, a sharp sample"
CONFIG["solvers"][SHARP]["presets"]["quick"] = {"outer": 4, "least": 3}  # four steps of three calls
MENU = Menu.read({**CONFIG, "sizes": [32], "size": 32})
RANDOM, PAINTED, BOX = "pixels lost at random", "painted by you", "a box lost"
FORM = Form(size=32, degradation=RANDOM, strength=0.3, solver=SHARP)
QUICK = replace(FORM, preset="quick")


class Gate:
    """Lets a prior make so many network calls, and holds it then."""

    def __init__(self, prior):
        self.permits, self.calls = threading.Semaphore(0), 0
        self.hook = prior.register_forward_pre_hook(self._pass)

    def _pass(self, *_):
        assert self.permits.acquire(timeout=30)
        self.calls += 1

    def allow(self, calls=1000):
        self.permits.release(calls)


@pytest.fixture
def gate():
    return Gate.__new__(Gate)


@pytest.fixture
def shop(gate):
    prior = tiny_prior()
    gate.__init__(prior)
    line = Line(2)
    yield Workshop(MENU, partial(recipe, prior, "cpu"), line)
    gate.allow()
    line.close()
    gate.hook.remove()  # the prior is that of all tests


@pytest.fixture
def sessions(shop):
    every = Sessions(shop)
    yield every
    every.close()


@pytest.fixture
def session(sessions):
    return sessions.of("me")


def finish(session):
    return list(session.shop.line.follow(session.run.job, pace=0.01))[-1]


def until(job, step):
    """Wait until a job has made so many steps."""
    version = -1
    while not job.moments or job.moments[-1].iterate.step < step:
        version = job.wait(version, 30)


def stroke(size=512, box=(128, 128, 256, 256), colour=(230, 0, 126, 255)):
    paint = Image.new("RGBA", (size, size))
    ImageDraw.Draw(paint).rectangle(box, fill=colour)
    return paint


@pytest.mark.parametrize("label", MENU.degradations)
def test_every_degradation_of_the_menu_can_be_had_at_both_ends(label, shop, tmp_path):
    smallest = min(CONFIG["sizes"])
    Image.new("1", (smallest, smallest), 1).save(tmp_path / MASK)
    menu = replace(MENU, sizes=(smallest,))
    strength = MENU.degradations[label].strength
    for value in (strength.low, strength.high) if strength else (None,):
        form = replace(FORM, size=smallest, degradation=label, strength=value)
        made = shop.make(menu.words(form), tmp_path)
        assert views.seen(made).size == made.truth.shape[1:] == (smallest, smallest)


@pytest.mark.parametrize("label", MENU.solvers)
def test_every_preset_is_of_its_solver(label):
    solver = MENU.solvers[label]
    assert list(solver.presets) == ["quick", "usual", "thorough"]
    for constants in solver.presets.values():
        config = OmegaConf.load(FOLDER / "solver" / f"{solver.solver}.yaml")
        assert set(constants) <= set(config)
        build(OmegaConf.merge(config, constants))(tiny_prior())


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"strength": 0.99}, "share of pixels kept must be from 0.05 to 0.95"),
        ({"strength": None}, "share of pixels kept"),
        ({"size": 4096}, "size 4096 is not offered"),
        ({"sigma": 0.0}, "noise must be from 0.01"),
        ({"samples": 500}, "samples must be from 1 to 4"),
        ({"seconds": 1e9}, "time budget must be from 1 to 120"),
        ({"seed": -1}, "seed must be from 0"),
        ({"image": "/etc/passwd"}, "photograph '/etc/passwd' is not offered"),
        ({"solver": "magic"}, "solver 'magic' is not offered"),
        ({"preset": "endless"}, "preset 'endless' is not offered"),
        ({"degradation": "none"}, "degradation 'none' is not offered"),
    ],
)
def test_what_is_not_offered_is_refused(wrong, words):
    with pytest.raises(Refused, match=words):
        MENU.words(replace(FORM, **wrong))


def test_the_command_does_the_same(tmp_path, monkeypatch):
    prior = tmp_path / "prior.safetensors"
    save_prior(tiny_prior(), prior)
    menu = replace(MENU, prior=("prior=file", f"prior.path={prior}"))
    line = Line(1)
    sessions = Sessions(Workshop(menu, partial(recipe, load_prior(prior), "cpu"), line))
    session = sessions.of("me")
    photo = tmp_path / "my photo.jpg"
    Image.effect_noise((60, 50), 60).convert("RGB").save(photo)
    session.take(photo)
    form = replace(QUICK, image=PHOTO, degradation=PAINTED, strength=None, samples=2, seed=3)
    run = session.restore(form, stroke())
    assert finish(session).state == "finished"
    folder = tmp_path / "unpacked"
    zipfile.ZipFile(bundle(run)).extractall(folder)
    sessions.close()
    line.close()

    words = shlex.split((folder / "command.txt").read_text())
    assert words[:2] == ["inverse", "restore"]
    monkeypatch.chdir(folder)
    command.main([*words[1:], "hydra.run.dir=again"])
    again = folder / "again"
    same = OmegaConf.load(again / "config" / "config.yaml")
    assert same == OmegaConf.load(folder / "config.yaml")
    for name in ("restored.png", "measurement.png", "mean.png", "std.png"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name
    mine, theirs = (json.loads((f / "metrics.json").read_text()) for f in (folder, again))
    for key in ("psnr", "residual", "nfe", "finished", "operator", "noise"):
        assert mine[key] == theirs[key], key


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


def test_a_solver_that_does_not_fit_says_so(session):
    session.restore(replace(FORM, degradation="compressed as JPEG", strength=10), None)
    frame = finish(session)
    assert frame.state == "failed" and "needs a linear operator" in frame.error
    assert "needs a linear operator" in views.status(frame)


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


def test_a_long_way_keeps_few_steps_and_the_last(shop, tmp_path, gate):
    gate.allow()
    form = replace(FORM, solver="DiffPIR", preset="usual")
    job = Job(shop.make(MENU.words(form), tmp_path))
    job.run()
    steps = [m.iterate.step for m in job.moments]
    assert steps[-1] == 25 and steps[0] == 3 and len(steps) <= 13 and steps == sorted(set(steps))


def test_a_failed_beginning_leaves_the_earlier_run(session, gate):
    gate.allow()
    run = session.restore(QUICK, None)
    finish(session)
    with pytest.raises(Refused, match="no uploaded photograph"):
        session.restore(replace(QUICK, image=PHOTO), None)
    assert session.run is run and len(list(session.folder.iterdir())) == 1
    session.restore(QUICK, None)
    assert not run.folder.exists()


def test_visitors_share_nothing_and_leave_nothing(sessions, gate, tmp_path):
    gate.allow()
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    one, two = sessions.of("one"), sessions.of("two")
    one.take(tmp_path / "red.png")
    assert one.upload.exists() and not two.upload.exists() and one.folder != two.folder
    one.restore(replace(QUICK, image=PHOTO), None)
    assert two.run is None
    sessions.drop("one")
    assert not one.folder.exists() and two.folder.exists()
    assert sessions.of("one") is not one and sessions.of("two") is two


def test_idle_visitors_make_room(shop, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    limited = replace(shop, menu=replace(MENU, limits=Limits(visitors=2, minutes=10)))
    sessions = Sessions(limited)
    first = sessions.of("a")
    now[0] = 60.0
    second = sessions.of("b")
    sessions.of("c")
    assert not first.folder.exists() and second.folder.exists()
    now[0] = 1000.0
    sessions.of("c")
    assert not second.folder.exists()
    sessions.close()


def jpeg(mode="RGB", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content, limits, words",
    [
        (b"not a picture", Limits(), "cannot be read as a picture"),
        (b"", Limits(), "cannot be read as a picture"),
        (jpeg()[:300], Limits(), "cannot be read as a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Limits(), "PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(40), Limits(), "PNG, JPEG or WebP"),
        (jpeg(size=(2000, 600)), Limits(megapixels=1), "more than 1 megapixels"),
        (jpeg() + bytes(2000), Limits(megabytes=0.002), "at most 0.002 MB"),
    ],
)
def test_bad_uploads_are_refused_in_words(content, limits, words, tmp_path):
    file, target = tmp_path / "upload", tmp_path / "taken.png"
    file.write_bytes(content)
    with pytest.raises(Refused, match=words):
        accept(file, target, limits)
    assert not target.exists()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_pictures_are_taken_upright_and_small(mode, tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    (tmp_path / "it").write_bytes(jpeg(mode, (3000, 1500), exif=turned))
    accept(tmp_path / "it", tmp_path / "taken.png", Limits())
    assert load_image(tmp_path / "taken.png").shape == (3, 1024, 512)


def test_masks_and_paint():
    assert flatten([Image.new("RGBA", (8, 8))]) is None and flatten([]) is None
    mask = np.asarray(mask_of(flatten([Image.new("RGBA", (512, 512)), stroke()]), 32))
    assert set(mask.ravel()) == {0, 255} and (mask[8:16, 8:16] == 0).all() and mask[:8].all()
    x0 = torch.zeros(2, 3, 32, 32)
    red = paint_over(x0, stroke(colour=(255, 0, 0, 255)))
    assert red[:, 0, 10, 10].tolist() == [1, 1] and red[:, 1, 10, 10].tolist() == [-1, -1]
    assert not red[..., 20:].any() and not x0.any()


def test_the_spread_is_of_samples(session, gate):
    gate.allow()
    run = session.restore(replace(QUICK, samples=3), None)
    finish(session)
    assert views.spread(run.moments[-1]).size == (32, 32)
    facts = views.summary(run.moments[-1], run.job.recipe.truth)
    assert len(facts["PSNR of each sample (dB)"]) == 3 and facts["network calls"] == 12


def test_without_gradio_the_command_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    monkeypatch.delitem(__import__("sys").modules, "inverse.demo.page", raising=False)
    with pytest.raises(SystemExit) as stop:
        command.main(["demo"])
    assert stop.value.code == 1
    assert "pip install 'anytime-inverse[demo]'" in capsys.readouterr().err
