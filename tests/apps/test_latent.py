"""The command line with a latent prior: from a folder to pictures, and mistakes in one line."""

import json

import pytest
from PIL import Image

from inverse.apps import main as command
from tests.inverse import pipelines
from tests.inverse.pipelines import TEXT


@pytest.fixture
def restore(tmp_path, monkeypatch, capsys):
    """Run ``inverse restore prior=latent``; gives (exit code, stdout, stderr, folder)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def run(path, *arguments):
        small = ["prior=latent", f"prior.path={path}", "size=16", "lpips=null", "hydra.run.dir=out"]
        code = 0
        try:
            command.main(["restore", *small, *arguments])
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err, tmp_path / "out"

    return run


@pytest.mark.parametrize("solver", ["ldps", "dps"])
def test_latent_priors_restore_photographs(restore, tmp_path, solver):
    folder = pipelines.ldm(tmp_path / "ldm")
    code, out, _, results = restore(folder, f"solver={solver}", "solver.steps=3")
    metrics = json.loads((results / "metrics.json").read_text())
    assert code == 0 and "PSNR" in out and metrics["nfe"] == metrics["nfe_backward"] == 3
    assert Image.open(results / "restored.png").size == (16, 16)


@TEXT
def test_a_prompt_and_a_budget(restore, tmp_path):
    folder = pipelines.stable(tmp_path / "sd")
    told = ("prior.prompt='a cat, sitting'", "prior.guidance=2", "solver=nested_latent")
    code, _, _, results = restore(folder, *told, "size=32", "budget.nfe=4", "solver.inner_most=2")
    metrics = json.loads((results / "metrics.json").read_text())
    assert code == 0 and metrics["nfe"] == 4 and metrics["finished"]


@pytest.mark.parametrize(
    ("path", "arguments", "match"),
    [
        ("nobody/none", [], "hf download nobody/none --local-dir FOLDER"),
        ("absent", [], "no such folder"),
        ("ldm", ["prior.prompt=a"], "takes no prompt"),
        ("ldm", ["solver=nested"], "on latents, needs a linear operator"),
        ("ldm", ["solver=ldps", "size=17"], "multiples of 2"),
    ],
)
def test_mistakes_get_one_line(restore, tmp_path, path, arguments, match):
    pipelines.ldm(tmp_path / "ldm")
    code, _, err, results = restore(path, *arguments)
    last = err.strip().splitlines()[-1]
    assert code == 1 and match in last and "Traceback" not in err
    assert not list(results.rglob("*.png"))


@TEXT
def test_a_network_that_inpaints_restores_and_is_whole(restore, tmp_path):
    folder = pipelines.inpainting(tmp_path / "paint")
    words = "solver=informed", "solver.steps=2", "operator=inpaint_box"
    code, out, _, _ = restore(folder, *words)
    assert code == 0 and "PSNR" in out
    assert "leave out tile" in restore(folder, *words, "prior.tile=16")[2]
    assert "needs an inpainting operator" in restore(folder, *words[:2], "operator=identity")[2]
