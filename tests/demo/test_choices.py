"""What the page offers, what it refuses, and that its command does the same."""

import json
import shlex
import zipfile
from dataclasses import replace
from functools import partial

import pytest
from omegaconf import OmegaConf
from PIL import Image

from inverse.apps import main as command
from inverse.apps.configuration import build, read
from inverse.apps.demo import recipe
from inverse.benchmarking.commands import override
from inverse.demo import views
from inverse.demo.bundle import bundle
from inverse.demo.choices import MASK, PHOTO
from inverse.demo.line import Line
from inverse.demo.sessions import Sessions, Workshop
from inverse.demo.uploads import Refused
from inverse.priors import load_prior, save_prior
from tests.demo.shared import CONFIG, FORM, MENU, PAINTED, QUICK, finish, stroke
from tests.inverse.solver_cases import tiny_prior


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
        config = read("solver", solver.solver)
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
    prior = tmp_path / "my prior (1).safetensors"
    save_prior(tiny_prior(), prior)
    menu = replace(MENU, prior=("prior=file", override("prior.path", str(prior))))
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


def test_a_solver_that_does_not_fit_says_so(session):
    session.restore(replace(FORM, degradation="compressed as JPEG", strength=10), None)
    frame = finish(session)
    assert frame.state == "failed" and "needs a linear operator" in frame.error
    assert "needs a linear operator" in views.status(frame)


def test_without_gradio_the_command_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    monkeypatch.delitem(__import__("sys").modules, "inverse.demo.page", raising=False)
    with pytest.raises(SystemExit) as stop:
        command.main(["demo"])
    assert stop.value.code == 1
    assert "pip install 'anytime-inverse[demo]'" in capsys.readouterr().err
