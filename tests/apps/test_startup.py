"""What the command line loads before it answers: heavy libraries come when they are needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from inverse.apps.configuration import build, groups, read
from inverse.apps.requirements import requirements
from inverse.denoise import POINTWISE
from inverse.priors import GaussianPrior
from inverse.priors.autoencoder import IdentityAutoencoder

ROOT = Path(__file__).parent.parent.parent
HEAVY = (
    "accelerate diffusers kornia lpips matplotlib pandas scipy sympy torch._dynamo torchmetrics "
    "torchvision transformers"
)
BEGIN = """
import contextlib, io, json, sys
arguments, heavy = sys.argv[1], sys.argv[2].split()  # the command takes sys.argv
if "torch" not in heavy:
    import torch.utils.checkpoint  # which loads sympy itself, in 2.6
    heavy = [name for name in heavy if name not in sys.modules]

def loaded():
    return [name for name in heavy if name in sys.modules]
"""
SCRIPT = """
from inverse.apps.main import main

def answer(arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main(arguments)
        except SystemExit:
            pass
    return {"arguments": arguments, "said": out.getvalue(), "loaded": loaded()}

print(json.dumps([answer(case) for case in json.loads(arguments)]))
"""
PRIOR = """
from inverse.apps.main import main
from inverse.denoise import Prior
from inverse.priors import presets

class Told(Prior):
    def denoise(self, x, level):
        print(loaded())
        raise SystemExit

presets.from_file = lambda **options: Told()
main(["restore", *arguments.split()])
"""


def run(folder, code, arguments, heavy=HEAVY):
    command = [sys.executable, "-c", BEGIN + code, arguments, heavy]
    paths = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=os.environ | paths
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def each(folder, *cases, heavy=HEAVY):
    """What was loaded after each case, run one after the other in one process."""
    arguments = json.dumps([case.split() for case in cases])
    return json.loads(run(folder, SCRIPT, arguments, heavy))


def test_help_of_the_command_does_without_torch(tmp_path):
    answers = each(
        tmp_path, "--help", "restor", "report --help", "report nowhere", "convert --help",
        heavy=HEAVY + " torch",
    )  # fmt: skip
    assert all(answer["said"] and not answer["loaded"] for answer in answers), answers


@pytest.mark.slow
def test_help_and_info_load_no_heavy_library(tmp_path):
    apps = [f"{app} --help" for app in ("restore", "benchmark", "train", "tune", "certify", "demo")]
    answers = each(tmp_path, "info", *apps)
    assert all(answer["said"] and not answer["loaded"] for answer in answers), answers


@pytest.mark.slow
def test_an_error_loads_no_heavy_library(tmp_path):
    cases = {
        "restore solver=nestd": "unknown solver",
        "restore budget.nfe=0 size=32": "positive",
        "restore image=nowhere.png": "no such file",
        "restore size=32 operator=downsample solver=repaint": "needs an inpainting operator",
        "restore size=32 operator=inpaint_box solver.outer_steps=none": "whole number",
        "restore size=32 lpips=best": "choose one of",
        "restore size=32 prior=file prior.path=nowhere": "not found",
        "restore size=32 prior=diffusers prior.path=nowhere": "nowhere",
        "restore measurement=nowhere.npy": "nowhere",
    }
    for answer, message in zip(each(tmp_path, *cases), cases.values(), strict=True):
        assert message in answer["said"] and not answer["loaded"], answer


@pytest.mark.slow
def test_the_first_network_call_needs_no_heavy_library_but_the_priors_own(tmp_path):
    torch.save({}, tmp_path / "lpips.pth")
    options = "size=64 device=cpu lpips_weights=lpips.pth"
    assert run(tmp_path, PRIOR, options).splitlines()[-1] == "[]"


class Halved(IdentityAutoencoder):
    """Latents are images of half the contrast."""

    def encode(self, x):
        return x / 2

    def decode(self, z):
        return z * 2


@pytest.mark.parametrize("solver", groups()["solver"])
def test_a_solver_asks_the_same_over_every_prior(solver):
    """That is told its noise as a network is, value by value."""
    config = read("solver", solver)
    shape, size = (3, 4, 4), 48
    prior = GaussianPrior(shape, torch.zeros(size), torch.eye(size))
    prior.coordinates = POINTWISE
    needs = requirements(config)
    assert build(config)(prior).requires == needs
    prior.autoencoder = Halved()
    assert build(config)(prior).requires == needs
