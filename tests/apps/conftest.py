"""The command line with a tiny prior, and a photograph."""

import pytest
import torch
from PIL import Image

from inverse.apps import main as command
from inverse.denoise import beside
from inverse.priors import save_prior
from tests.inverse.solver_cases import tiny_prior
from tests.inverse.stationary import Stationary


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("prior") / "prior.safetensors"
    save_prior(tiny_prior(), path)
    Stationary(channels=3).errors.save(beside(path))
    return path


@pytest.fixture
def inverse(weights, tmp_path, monkeypatch, capsys):
    """Run ``inverse restore`` with a tiny prior; gives (exit code, stdout, stderr, folder)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, app="restore", folder="out"):
        small = [f"prior.path={weights}", "prior=file", "lpips=null"]
        if not any(str(argument).startswith("measurement=") for argument in arguments):
            small.append("size=32")
        if not any(str(argument).startswith("solver=") for argument in arguments):
            small.append("solver.outer_steps=2")
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


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """The folder that is worked in, with a small picture in its folder `photos`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    pixels = torch.randint(0, 255, (16, 16, 3), generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.byte().numpy()).save(tmp_path / "photos" / "a.png")
    return tmp_path
