"""The command line: what it writes, and that every mistake gets one line and no files."""

import json
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.apps import main as command
from inverse.apps.configuration import build, check_overrides, groups
from inverse.priors import save_prior
from tests.inverse.test_solvers import tiny_prior


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("prior") / "prior.safetensors"
    save_prior(tiny_prior(), path)
    return path


@pytest.fixture
def inverse(weights, tmp_path, monkeypatch, capsys):
    """Run ``inverse restore`` with a tiny prior; gives (exit code, stdout, stderr, folder)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, app="restore", folder="out"):
        small = [f"prior.path={weights}", "prior=file", "size=32", "lpips=null"]
        if not any(str(argument).startswith("solver=") for argument in arguments):
            small.append("solver.outer=2")
        if app == "restore":
            arguments = (*small, f"hydra.run.dir={folder}", *arguments)
        code = 0
        try:
            command.main([app, *map(str, arguments)])
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err, tmp_path / folder

    return run


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.effect_noise((40, 36), 60).convert("RGB").save(path)
    return path


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
LINEAR = [o for o in groups()["operator"] if o not in NONLINEAR and not o.endswith("_file")]


@pytest.mark.parametrize("operator", LINEAR)
def test_every_linear_operator_restores(inverse, operator):
    extra = {"blur_gaussian": ["operator.size=9"], "blur_motion": ["operator.size=9"]}
    code, _, err, _ = inverse(f"operator={operator}", *extra.get(operator, []))
    assert code == 0, err


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
        assert "(dps)" in err and not list(folder.glob("*.png"))


@pytest.mark.parametrize("noise", groups()["noise"])
def test_every_noise_restores(inverse, noise):
    code, _, err, folder = inverse(f"noise={noise}", "operator=identity")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and metrics["sigma"] > 0 and metrics["noise"].endswith(")"), err


def test_light_is_needed_to_count_photons(inverse):
    code, _, err, folder = inverse("noise=poisson", "operator=walsh_hadamard")
    assert code == 1 and "below -1 = no light" in err.replace("−", "-")
    assert not list(folder.glob("*.png"))


@pytest.mark.parametrize("solver", groups()["solver"])
def test_every_solver_restores(weights, solver, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = "solver.outer=2" if solver.startswith("nested") else "solver.steps=2"
    small = [f"prior.path={weights}", "prior=file", "size=32", "lpips=null", "hydra.run.dir=out"]
    command.main(["restore", f"solver={solver}", steps, *small])
    assert (tmp_path / "out" / "metrics.json").is_file()


def test_a_folder_of_photos_gives_a_folder_of_results(inverse, photo):
    code, _, _, folder = inverse(f"image={photo.parent}", "size=null")
    assert code == 0 and (folder / "restored.png").is_file()
    Image.open(photo).rotate(90).save(photo.parent / "second.png")
    code, _, _, folder = inverse(f"image={photo.parent}", "size=24", folder="many")
    assert code == 0
    assert (folder / "photo" / "panel.png").is_file() and (folder / "second").is_dir()


def test_real_mode_restores_a_measurement_and_scores_nothing(inverse, photo, tmp_path):
    mask = tmp_path / "mask.png"
    Image.linear_gradient("L").resize((40, 36)).point(lambda v: 255 * (v > 99)).save(mask)
    code, out, err, folder = inverse(
        f"measurement={photo}", "operator=inpaint_file", f"operator.mask={mask}", "size=null"
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and "psnr" not in metrics and "PSNR" not in out, err
    assert Image.open(folder / "restored.png").size == (40, 36)


def test_a_measurement_that_is_no_picture_is_restored_from_its_values(inverse, tmp_path):
    sensing = ["operator=walsh_hadamard", "operator.ratio=0.5", "operator.seed=7"]
    code, _, err, first = inverse(*sensing)
    assert code == 0, err
    real = [*sensing, f"measurement={first / 'measurement.npy'}"]
    code, _, err, folder = inverse(*real, "shape=[3,32,32]", folder="real")
    assert code == 0, err
    values = [np.load(f / "measurement.npy") for f in (first, folder)]
    assert (values[0] == values[1]).all() and "psnr" not in (folder / "metrics.json").read_text()
    (tmp_path / "words.npy").write_text("no array")
    for bad, message in (
        (real, "shape=[3,256,256]"),
        ([*real, "shape=[3,64,64]"], "the file holds"),
        ([*sensing, "measurement=none.npy", "shape=[3,32,32]"], "no such file"),
        ([*sensing, "measurement=words.npy", "shape=[3,32,32]"], "numpy.save"),
    ):
        code, _, err, _ = inverse(*bad, folder="bad")
        assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err


def test_a_saved_jpeg_is_a_measurement(inverse, photo, tmp_path):
    Image.open(photo).save(tmp_path / "photo.jpg", quality=10)
    code, _, err, folder = inverse(
        f"measurement={tmp_path / 'photo.jpg'}", "operator=jpeg", "operator.quality=10",
        "solver=dps", "solver.steps=2", "size=null",
    )  # fmt: skip
    assert code == 0 and Image.open(folder / "restored.png").size == (40, 36), err


@pytest.mark.parametrize("operator", ["downsample", "downsample_bicubic"])
def test_real_super_resolution_enlarges(inverse, photo, operator):
    code, _, err, folder = inverse(f"measurement={photo}", f"operator={operator}", "size=null")
    assert code == 0 and Image.open(folder / "restored.png").size == (160, 144), err


def test_a_real_mosaic_and_a_padded_blur(inverse, photo):
    code, _, err, folder = inverse(f"measurement={photo}", "operator=bayer", "size=null")
    assert code == 0 and Image.open(folder / "restored.png").mode == "RGB", err
    small = ["operator=blur_gaussian", "operator.size=9", "operator.padding=reflect"]
    code, _, err, folder = inverse(*small, folder="padded")
    assert code == 0, err
    assert "Separable" in json.loads((folder / "metrics.json").read_text())["operator"]


def test_the_steps_follow_from_the_budget(inverse):
    three = ("solver=nested", "solver.least=3", "solver.inner=3")  # calls per outer step
    for nfe, spent in ((4, 3), (16, 15)):
        code, out, _, folder = inverse(f"budget.nfe={nfe}", *three, "solver.outer=4")
        assert code == 0 and "stopped early" not in out
        assert json.loads((folder / "metrics.json").read_text())["nfe"] == spent


def test_without_a_plan_a_budget_stops_with_the_best_so_far(inverse):
    code, out, _, folder = inverse("budget.nfe=3", "plan=false")
    assert code == 0 and "stopped early" in out
    assert json.loads((folder / "metrics.json").read_text())["nfe"] == 3


def test_a_budget_too_small_exits_130(inverse):
    code, _, err, folder = inverse("budget.nfe=1", "solver.least=2")
    assert code == 130 and "before a first restoration" in err
    assert not list(folder.glob("*.png"))


def test_multirun(inverse, tmp_path):
    code, _, err, _ = inverse("-m", "operator=identity,greyscale", "hydra.sweep.dir=sweep")
    assert code == 0, err
    assert len(list((tmp_path / "sweep").rglob("metrics.json"))) == 2


BAD = {
    "missing image": (["image=nowhere.png"], "no such file"),
    "not an image": (["image=notes.png"], "cannot be read"),
    "image smaller than the kernel": (["operator=blur_gaussian"], "larger than the image"),
    "mask of another size": (
        ["image=photo.png", "size=null", "operator=inpaint_file", "operator.mask=small.png"],
        "mask",
    ),
    "missing mask": (["operator=inpaint_file"], "operator.mask is missing"),
    "unknown solver": (["solver=nestd"], "did you mean 'nested'"),
    "unknown option": (["nois.sigma=0.1"], "did you mean 'noise.sigma'"),
    "negative sigma": (["noise.sigma=-0.1"], "0 or more"),
    "sigma no number": (["noise.sigma=loud"], "sigma"),
    "sides no powers of two": (["operator=walsh_hadamard", "size=30"], "power"),
    "unwritable folder": (["hydra.run.dir=notes.png/out"], "notes.png"),
    "unknown device": (["device=tpu"], "auto, cpu or cuda"),
    "missing prior": (["prior.path=nowhere"], "prior weights not found"),
    "corrupt prior": (["prior.path=notes.png"], "corrupt"),
    "no samples": (["samples=0"], "at least 1"),
    "bad budget": (["budget.seconds=-1"], "must be positive"),
    "wrong argument": (["+operator.colour=red"], "colour"),
    "steps no number": (["solver.outer=none"], "whole numbers"),
    "foreign target": (["solver._target_=os.system"], "_target_ must start with"),
    "lpips of another kind": (["lpips=best"], "must be one of"),
    "amplitudes from an image file": (
        ["measurement=square.png", "operator=phase_retrieval"], "values in a .npy file",
    ),
    "measurement of another shape": (
        ["measurement=square.png", "operator=walsh_hadamard"], "values in a .npy file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_one_line_and_no_files(inverse, photo, tmp_path, case):
    (tmp_path / "notes.png").write_text("not a picture")
    Image.new("L", (8, 8), 255).save(tmp_path / "small.png")
    Image.new("RGB", (16, 16)).save(tmp_path / "square.png")
    arguments, message = BAD[case]
    code, out, err, folder = inverse(*arguments)
    lines = [line for line in err.splitlines() if line.strip()]
    assert code not in (0, None)
    assert len(lines) == 1 and lines[0].startswith("inverse restore: error:"), err
    assert message in lines[0] and "Traceback" not in out + err
    assert not list(folder.glob("*.png")) and not list(folder.glob("*.json"))


def test_nan_in_a_measurement_is_refused(inverse):
    np.save("y.npy", np.full((3, 8, 8), np.nan))
    code, _, err, _ = inverse("measurement=y.npy", "shape=[3,8,8]", "operator=identity")
    assert code == 1 and "NaN" in err


def test_debug_shows_the_traceback(inverse):
    with pytest.raises(ValueError, match="0 or more"):
        inverse("noise.sigma=-1", "--debug")


def test_info_lists_every_choice(inverse):
    code, out, _, _ = inverse(app="info")
    assert code == 0
    assert all(choice in out for choices in groups().values() for choice in choices)


def test_help_and_unknown_apps(capsys):
    for arguments, code in ((["--help"], 0), ([], 2), (["restor"], 2)):
        with pytest.raises(SystemExit) as stop:
            command.main(arguments)
        assert stop.value.code == code
    assert "did you mean 'restore'" in capsys.readouterr().out


def test_help_of_restore_is_readable(inverse):
    code, out, _, _ = inverse("--help")
    assert code == 0 and "operator=blur_gaussian" in out and "budget" in out


def test_training_from_the_command_line(inverse, photo, tmp_path):
    arguments = [
        f"images={photo.parent}", "network.channels=[16,16]", "network.layers=1",
        "+recipe.steps=2", "recipe.batch=1", "recipe.patch=16", "out=trained",
    ]  # fmt: skip
    code, out, err, _ = inverse(*arguments, app="train")
    assert code == 0 and (tmp_path / "trained" / "prior.safetensors").is_file(), err


def test_a_class_conditional_flow_from_the_command_line_restores(inverse, tmp_path):
    for name, shade in (("cats", 40), ("dogs", 200)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (20, 20), (shade, shade, shade)).save(tmp_path / "pets" / name / "a.png")
    code, out, err, _ = inverse(
        "images=pets", "labels=true", "network=attention", "network.size=16", "recipe=objects",
        "network.channels=[16,16]", "network.layers=1", "network.parametrisation=flow",
        "+recipe.steps=2", "recipe.batch=2", "recipe.patch=16", "out=trained", app="train",
    )  # fmt: skip
    assert code == 0 and "2 images of 2 classes" in out, err
    trained = [f"prior.path={tmp_path / 'trained' / 'prior.safetensors'}", "size=16"]
    code, _, err, folder = inverse(*trained, "prior.label=dogs", "prior.guidance=2")
    assert code == 0, err
    assert json.loads((folder / "metrics.json").read_text())["nfe"] == 8  # of 4 for one
    code, _, err, _ = inverse(*trained, "prior.label=dgs", folder="bad")
    assert code == 1 and "did you mean 'dogs'" in err


def test_a_faster_prior_from_the_command_line(inverse):
    _, _, _, plain = inverse("solver.equivariant=false", folder="plain")
    code, _, err, quick = inverse("solver.equivariant=false", "prior.reuse=3", folder="quick")
    one, two = (json.loads((f / "metrics.json").read_text()) for f in (plain, quick))
    assert code == 0 and one["nfe"] == two["nfe"] and one["psnr"] != two["psnr"], err
    code, _, err, _ = inverse("prior.reuse=3", folder="refused")
    assert code == 1 and "solver.equivariant=false" in err


def test_a_conf_folder_in_the_working_folder_does_no_harm(inverse, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "__init__.py").write_text("raise RuntimeError('the wrong conf')")
    assert inverse()[0] == 0


def test_overrides_are_checked_in_sweeps_too():
    check_overrides("restore", ["solver=dps,nested", "hydra.run.dir=x", "+operator.keep=0.1", "-m"])
    with pytest.raises(ValueError, match="unknown solver 'dpss'"):
        check_overrides("restore", ["solver=nested,dpss"])


@pytest.mark.parametrize("group", [g for g in groups() if g != "prior"])
def test_every_configuration_builds(group, tmp_path, photo):
    from omegaconf import OmegaConf

    from inverse.apps.configuration import FOLDER

    Image.new("L", (40, 36), 255).save(tmp_path / "mask.png")
    for choice in groups()[group]:
        config = OmegaConf.load(FOLDER / group / f"{choice}.yaml")
        config = OmegaConf.merge({"seed": 0}, {group: config})[group]
        if choice in ("fourier_file", "inpaint_file"):
            config.mask = str(tmp_path / "mask.png")
        if choice in ("blur_file", "downsample_file"):
            config.kernel = str(tmp_path / "kernel.npy")
            np.save(config.kernel, np.ones((3, 3)))
        shape = (3, 36, 40) if "mask" in config else (3, 64, 64)
        args = {"operator": (shape,), "noise": ()}.get(group, ())
        made = build(config, *args)
        assert made is not None


def test_ctrl_c_writes_the_best_so_far(inverse, monkeypatch):
    """A real signal, sent when the second outer step is done."""

    def watch(bar, meter, last):
        if last is not None and last.step == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("inverse.apps.progress.ProgressBar.watch", watch)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a CI's shell ignores it
    try:
        code, out, _, folder = inverse("solver.outer=5")
    finally:
        signal.signal(signal.SIGINT, before)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and "stopped early" in out
    assert metrics["finished"] is False and metrics["nfe"] == 4
    assert (folder / "restored.png").is_file()


def test_a_checkpoint_is_converted_and_restores(inverse, tmp_path):
    from tests.inverse.adm_reference import ADM

    network = ADM(mult=(1,), attended=(0,))
    network(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    torch.save(network.state, tmp_path / "it's.pt")
    arguments = (tmp_path / "it's.pt", tmp_path / "made", "size=32", "head_channels=16")
    code, out, err, _ = inverse(*arguments, app="convert")
    assert code == 0 and f"prior.path={tmp_path / 'made'}" in out, err
    code, _, err, folder = inverse("prior=diffusers", f"prior.path={tmp_path / 'made'}")
    assert code == 0 and (folder / "restored.png").is_file(), err


def test_a_prior_in_tiles(inverse):
    code, _, err, folder = inverse("prior.tile=16", folder="tiled")
    assert code == 0 and (folder / "restored.png").is_file(), err
    _, _, _, whole = inverse("prior.tile=null", folder="whole")
    one, two = (json.loads((f / "metrics.json").read_text()) for f in (folder, whole))
    assert one["nfe"] == two["nfe"] and one["psnr"] != two["psnr"]
    code, _, err, _ = inverse("prior.tile=0", folder="none")
    assert code == 1 and "0 <= overlap < tile" in err


CONVERSIONS = {
    "no paths": ([], "source is missing"),
    "three paths": (["a", "b", "c"], "give SOURCE and TARGET"),
    "missing file": (["nowhere.pt", "made"], "no such file"),
    "unknown option": (["a.pt", "made", "sizes=64"], "did you mean 'size'"),
}


@pytest.mark.parametrize("case", CONVERSIONS)
def test_mistakes_in_converting_get_one_line(inverse, tmp_path, case):
    arguments, message = CONVERSIONS[case]
    code, _, err, _ = inverse(*arguments, app="convert")
    assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "made").exists()
