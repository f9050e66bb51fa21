"""Tuning finds the best constants of a grid or range, on validation images only."""

import csv
import math

import pytest
import torch
import yaml
from PIL import Image

from inverse import solvers
from inverse.benchmarking.tuning import Objective, exams, search
from inverse.metrics import LPIPS
from inverse.priors import GaussianPrior
from operators import gaussian, identity

optuna = pytest.importorskip("optuna", reason="tuning needs the extra: tune")
SHAPE = (3, 8, 8)


def white():
    dim = math.prod(SHAPE)
    return torch.zeros(dim), torch.eye(dim)


def objective(space, **kwargs):
    """Denoising white images of unit variance, where DiffPIR's best lam is known to be 1."""
    prior = GaussianPrior(SHAPE, *white())
    images = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(0)) * 0.3
    named = [(f"white{k}", x) for k, x in enumerate(images)]
    found = exams(named, {"denoise": identity}, gaussian(0.2))
    return Objective(found, lambda kw: solvers.diffpir(prior, steps=4, **kw), space, **kwargs)


def test_a_grid_is_tried_whole_and_the_best_found():
    study = search(objective({"lam": [0.01, 100.0, 0.5]}), trials=5, first={"lam": 0.01})
    assert sorted(t.params["lam"] for t in study.trials) == [0.01, 0.5, 100.0]
    done = [t for t in study.trials if t.value is not None]
    assert study.best_value == max(t.value for t in done)
    assert study.best_trial.user_attrs["denoise"] == study.best_value


def test_a_range_is_searched_from_the_default_and_repeats_with_its_seed():
    space = {"lam": {"low": 0.01, "high": 100.0, "log": True}}
    one, two = (search(objective(space), trials=6, first={"lam": 7.0}) for _ in range(2))
    assert one.trials[0].params == {"lam": 7.0} and len(one.trials) == 6
    assert [t.params for t in one.trials] == [t.params for t in two.trials]


def test_a_search_that_was_broken_off_goes_on_and_another_begins_anew(tmp_path):
    space = {"lam": {"low": 0.01, "high": 100.0, "log": True}}

    def kept(trials, asked):
        return search(objective(space), trials, {"lam": 7.0}, kept=(tmp_path / "log", asked))

    begun = [t.params for t in kept(3, "a").trials]
    whole = kept(6, "a")
    assert len(whole.trials) == 6 and len(kept(2, "b").trials) == 2
    assert len(begun) == 3 and [t.params for t in whole.trials[:3]] == begun
    assert len({t.params["lam"] for t in whole.trials}) == 6


def test_a_walk_that_needs_more_calls_is_no_candidate():
    asked = objective({"steps": [2, 3, 9]}, calls=3)
    asked.make = lambda kw: solvers.diffpir(GaussianPrior(SHAPE, *white()), **kw)
    study = search(asked, trials=3, first={"steps": 2})
    assert {t.params["steps"] for t in study.trials if t.value is not None} == {2, 3}


@pytest.mark.parametrize("values", [[], {"low": 2, "high": 1}, {"low": 1}, 3])
def test_a_space_that_is_none_is_refused(values):
    with pytest.raises(ValueError, match="search.lam must be"):
        objective({"lam": values})


def test_images_too_small_for_lpips_are_refused_before_a_trial():
    network = LPIPS.__new__(LPIPS)  # without its weights
    torch.nn.Module.__init__(network)
    network.net, network.smallest = "alex", 31
    with pytest.raises(ValueError, match="sides of at least 31, got .*8, 8"):
        objective({"lam": [1.0]}, lpips=network)


def test_the_app_writes_every_trial_and_prints_overrides(tmp_path, monkeypatch, capsys):
    from inverse.apps.main import main

    pixels = torch.randint(0, 255, (16, 16, 3), generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.byte().numpy()).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    main(
        ["tune", "images=.", "operators=[identity]", "solver.outer_steps=2", "solver.inner_most=1"]
        + ["search={lam: [0.2, 0.5]}", "hydra.run.dir=out", "device=cpu", "preset=mine.yaml"]
    )
    preset = yaml.safe_load((tmp_path / "mine.yaml").read_text())
    assert preset.pop("defaults") == ["nested", "_self_"] and preset.pop("lam") in (0.2, 0.5)
    assert preset == {"outer_steps": 2, "inner_most": 1}
    rows = list(csv.DictReader((tmp_path / "out" / "trials.csv").open()))
    assert {row["params_lam"] for row in rows} == {"0.2", "0.5"}
    assert "best psnr" in (said := capsys.readouterr().out) and "solver.lam=" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "search must name what to vary"),
        (["search={lamm: [1]}"], "did you mean 'lam'"),
        (["search={lam: [1]}", "objective=fid"], "objective must be psnr or lpips"),
        (["search={lam: [1]}", "operators=[blur]"], "unknown operator 'blur'"),
    ],
)
def test_mistakes_get_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    from inverse.apps.main import main

    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["tune", "images=.", *arguments])
    assert message in capsys.readouterr().err
