"""`inverse restore`: what it writes, for every choice of `conf/`."""

import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from inverse.apps import main as command
from inverse.apps.configuration import build, groups, read
from inverse.priors import EDMPrior, save_prior
from inverse.restoring import Report
from inverse.solving import Result
from operators import Problem, gaussian, identity


def test_restoring_the_default_photograph_writes_everything(inverse):
    code, out, _, folder = inverse()
    assert code == 0 and "PSNR" in out
    for name in ("measurement.png", "restored.png", "panel.png", "anytime.png"):
        assert Image.open(folder / name).size[0] >= 32
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["nfe"] == 4 and metrics["finished"] and metrics["lpips"] is None
    assert len(metrics["psnr"]) == len(metrics["residual"]) == 1
    assert metrics["peak_memory_mb"] > 0 and metrics["seconds"] > 0
    assert "image: astronaut" in (folder / "config" / "config.yaml").read_text()
    assert not list(folder.rglob("*.tmp"))


def test_the_same_seed_gives_the_same_files(inverse):
    _, _, _, one = inverse(folder="one")
    _, _, _, two = inverse(folder="two")
    _, _, _, other = inverse("seed=1", folder="other")
    assert (one / "restored.png").read_bytes() == (two / "restored.png").read_bytes()
    assert (one / "restored.png").read_bytes() != (other / "restored.png").read_bytes()


def test_several_samples_give_a_mean_and_a_spread(inverse):
    code, _, _, folder = inverse("samples=3")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and len(metrics["psnr"]) == 3
    assert metrics["mean_of_samples"]["psnr"][0] >= min(metrics["psnr"])
    for name in ("mean.png", "std.png", "samples.png"):
        assert (folder / name).is_file()


def test_the_first_sample_does_not_depend_on_how_many_there_are(inverse):
    _, _, _, one = inverse("samples=1", folder="one")
    _, _, _, two = inverse("samples=2", folder="two")
    first, second = (Image.open(f / "restored.png") for f in (one, two))
    assert max(abs(a - b) for a, b in zip(first.tobytes(), second.tobytes(), strict=True)) <= 1


NONLINEAR = ["gamma", "hdr", "jpeg", "phase_retrieval", "quantise"]


ALONE = [o for o in groups()["operator"] if "???" not in OmegaConf.to_yaml(read("operator", o))]
LINEAR = [o for o in ALONE if o not in NONLINEAR]


@pytest.mark.parametrize("operator", LINEAR)
def test_every_linear_operator_restores(inverse, operator):
    extra = {"blur_gaussian": ["operator.size=9"], "blur_motion": ["operator.size=9"]}
    code, _, err, _ = inverse(f"operator={operator}", *extra.get(operator, []))
    assert code == 0, err


@pytest.mark.slow
@pytest.mark.parametrize("operator", NONLINEAR)
def test_every_nonlinear_operator_restores_or_says_which_solver_does(inverse, operator):
    code, _, err, folder = inverse(f"operator={operator}", "solver=dps", "solver.steps=3")
    assert code == 0, err
    metrics = json.loads((folder / "metrics.json").read_text())
    assert "nonlinear" in metrics["operator"] and metrics["residual"][0] > 0
    assert Image.open(folder / "measurement.png").size[0] == (
        48 if operator == "phase_retrieval" else 32
    )
    for solver in ("nested", "ddnm", "diffpir", "pigdm"):
        arguments = (f"operator={operator}", f"solver={solver}")
        code, _, err, folder = inverse(*arguments, folder=f"refused-{solver}")
        lines = [line for line in err.splitlines() if line.strip()]
        assert code == 1 and len(lines) == 1 and "needs a linear operator" in err, err
        assert "dps)" in err and not list(folder.glob("*.png"))


@pytest.mark.parametrize("noise", groups()["noise"])
def test_every_noise_restores(inverse, noise):
    code, _, err, folder = inverse(f"noise={noise}", "operator=identity")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and metrics["sigma"] > 0 and metrics["noise"].endswith(")"), err


def test_light_below_none_may_be_clipped(inverse, tmp_path):
    picture = Image.new("L", (16, 16), "white")
    picture.paste("black", (5, 5, 9, 9))
    picture.save(tmp_path / "hole.png")
    words = ["image=hole.png", "operator=resample", "operator.scale=0.9", "noise=poisson"]
    words.append("size=null")
    code, _, err, _ = inverse(*words)
    assert code == 1 and "clip=true" in err
    code, _, err, folder = inverse(*words, "noise.clip=true", folder="clipped")
    assert code == 0, err
    assert "clip=True" in json.loads((folder / "metrics.json").read_text())["noise"]


def test_light_is_needed_to_count_photons(inverse):
    code, _, err, folder = inverse("noise=poisson", "operator=walsh_hadamard")
    assert code == 1 and "below -1 = no light" in err.replace("−", "-")
    assert not list(folder.glob("*.png"))


@pytest.mark.parametrize("solver", groups()["solver"])
def test_every_solver_restores(weights, solver, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = read("solver", solver)
    count = next((key for key in ("outer_steps", "steps") if key in config), None)
    steps = [f"solver.{count}=2"] if count else []  # some have levels instead
    if solver.startswith("uneven"):  # these want a prior that is told the noise of every value
        weights = tmp_path / "told.safetensors"
        save_prior(EDMPrior({"kind": "stem", "channels": [8, 8], "layers": 1}), weights)
    small = [f"prior.path={weights}", "prior=file", "size=32", "lpips=null", "hydra.run.dir=out"]
    command.main(["restore", f"solver={solver}", *steps, *small])
    assert (tmp_path / "out" / "metrics.json").is_file()


def test_multirun(inverse, tmp_path):
    code, _, err, _ = inverse("-m", "operator=identity,greyscale", "hydra.sweep.dir=sweep")
    assert code == 0, err
    assert len(list((tmp_path / "sweep").rglob("metrics.json"))) == 2


@pytest.mark.parametrize("group", [g for g in groups() if g != "prior"])
def test_every_configuration_builds(group, tmp_path, photo):
    Image.new("L", (40, 36), 255).save(tmp_path / "mask.png")
    for choice in groups()[group]:
        if choice == "blur_unknown":
            continue  # of a measurement alone: tests/apps/test_estimating.py
        config = read(group, choice)
        config = OmegaConf.merge({"seed": 0}, {group: config})[group]
        if choice in ("fourier_file", "inpaint_file"):
            config.mask = str(tmp_path / "mask.png")
        np.save(tmp_path / "kernel.npy", np.ones((3, 3)))
        if choice in ("blur_file", "downsample_file"):
            config.kernel = str(tmp_path / "kernel.npy")
        if choice == "psf_file":
            config.psf = str(tmp_path / "kernel.npy")
        if choice == "jpeg_file":
            config.file = str(tmp_path / "a.jpg")
            Image.new("RGB", (8, 8)).save(config.file)
        if choice.startswith("mri"):
            config.kspace = str(tmp_path / "kspace.npy")
            np.save(config.kspace, np.ones((2 if choice == "mri_coils" else 1, 64, 64), complex))
        shape = (3, 36, 40) if "mask" in config else (3, 64, 64)
        shape = (2, 64, 64) if choice.startswith("mri") else shape
        args = {"operator": (shape,), "time": ((3, 6, 4, 4),)}.get(group, ())
        made = build(config, *args)
        assert made is not None


def test_a_conf_folder_in_the_working_folder_does_no_harm(inverse, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "__init__.py").write_text("raise RuntimeError('the wrong conf')")
    assert inverse()[0] == 0


def test_files_of_one_stem_give_a_result_each(inverse, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("x.png", "x.jpg"):
        Image.effect_noise((40, 36), 60).convert("RGB").save(tmp_path / "photos" / name)
    code, _, err, folder = inverse("image=photos", "operator=identity")
    assert code == 0, err
    assert all((folder / name / "restored.png").is_file() for name in ("x.png", "x.jpg"))


def test_metrics_of_an_exact_restoration_are_json(inverse):
    exact = ("operator=identity", "noise.sigma=0", "solver=ddnm", "solver.steps=2")
    code, out, err, folder = inverse(*exact)
    assert code == 0 and "PSNR inf dB" in out, err
    text = (folder / "metrics.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["psnr"] == [None]


def test_runs_of_one_second_do_not_share_a_folder(inverse, tmp_path):
    second = "hydra.run.dir=${new_folder:second}"
    for _ in range(2):
        assert inverse("operator=identity", second)[0] == 0
    assert [len(list((tmp_path / f).glob("restored.png"))) for f in ("second", "second-2")] == [
        1,
        1,
    ]


def test_the_memory_told_is_that_of_the_device_which_restored(monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 5e6)
    x = torch.zeros(1, 3, 16, 16)
    result = Result(x, torch.zeros(1), 1, 0, 0.1, True)
    problem = Problem(identity((3, 16, 16)), gaussian(0.1), x)
    report = Report(x[0], problem, result, device=torch.device("cuda"))
    assert report.metrics()["peak_memory_mb"] == 5
