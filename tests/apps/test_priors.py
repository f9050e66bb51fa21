"""Priors from the command line: trained, faster, converted, in tiles."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.apps import main as command


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


DIGITS = """
import torch


class Net(torch.nn.Module):
    def __init__(self, channels=1):
        super().__init__()
        self.layer = torch.nn.Conv2d(channels, channels, 1)

    def forward(self, x, t):
        return self.layer(x) * t[:, None, None, None]
"""


@pytest.fixture
def restore(tmp_path, monkeypatch, capsys):
    """Run ``inverse restore`` on a measured grey picture of 32 pixels, with two outer steps."""
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", np.random.default_rng(0).uniform(-1, 1, (1, 32, 32)))
    (tmp_path / "net.py").write_text(DIGITS)
    torch.save({"net.layer.weight": torch.eye(1).view(1, 1, 1, 1),
                "net.layer.bias": torch.zeros(1)}, "weights.pt")  # fmt: skip

    def run(*arguments):
        given = ["measurement=y.npy", "shape=[1,32,32]", "operator=blur_gaussian"]
        given += ["operator.size=9", "operator.std=1", "lpips=null", "hydra.run.dir=out"]
        code = 0
        try:
            command.main(["restore", *given, "budget.nfe=4", *arguments])
        except SystemExit as stop:
            code = stop.code or 0
        return code, capsys.readouterr().err

    return run


def test_any_network_restores_a_grey_picture_by_its_file_alone(restore, tmp_path):
    module = ["prior=module", "prior.network=net.py:Net", "prior.weights=weights.pt"]
    code, err = restore(*module, "prior.limits=[-0.5,0.5]", "prior.scale=0.001")
    assert code == 0, err
    assert Image.open(tmp_path / "out" / "restored.png").mode == "L"
    code, err = restore(*module, "+prior.arguments.channels=3")
    assert code == 1 and "size mismatch" in err and len(err.strip().splitlines()) == 1, err
    code, err = restore(*module, "prior.prediction=noise")
    assert code == 1 and "prediction must be one of epsilon" in err, err


def test_a_colour_prior_restores_a_grey_picture_by_an_option(restore, weights, tmp_path):
    code, err = restore("prior=file", f"prior.path={weights}", "prior.grey=true")
    assert code == 0, err
    assert Image.open(tmp_path / "out" / "restored.png").mode == "L"
