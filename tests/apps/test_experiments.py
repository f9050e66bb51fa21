"""The papers' setups compose, and name operators, solvers and constants that exist; no weights."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from inverse.apps.axes import cells
from inverse.apps.configuration import GRID, ConfigurationError, groups
from inverse.denoise import check
from operators import Rng, measure
from tests.inverse.solver_cases import tiny_prior

SHAPE = (3, 256, 256)


def composed(name, *overrides):
    with initialize_config_dir(str(GRID), version_base="1.3"):
        config = compose("benchmark", [f"experiment={name}", *overrides])
    values = OmegaConf.to_container(config, resolve=False)
    paths = {values["prior"]["path"], values["prior"]["name"]}
    values["prior"] = "bundled"  # theirs needs a checkpoint
    return values, paths, list(cells(values, [0], {}))


def test_every_paper_has_its_setup():
    assert set(groups(GRID)["experiment"]) == {
        "daps", "ddnm", "ddrm", "diffpir", "dps", "inversebench", "reddiff",
    }  # fmt: skip


@pytest.mark.parametrize("name", groups(GRID)["experiment"])
def test_a_setup_is_complete_and_its_solvers_take_its_operators(name):
    values, paths, found = composed(name)
    assert "diffusers" in paths and paths & {"priors/ffhq", "priors/imagenet"}
    assert values["size"] == 256 and values["data"].startswith(("ffhq:", "imagenet:"))
    prior, made = tiny_prior(), {}
    for cell in found:
        key = cell.operator.label, cell.noise.label
        if key not in made:
            operator, noise = cell.operator.make(0, SHAPE), cell.noise.make(0)
            made[key] = measure(operator, noise, torch.zeros(1, *SHAPE), Rng([0]))
        sampler = cell.solver.make(0, prior)
        check(sampler.requires, made[key], cell.solver.label)
    first = (GRID / "experiment" / f"{name}.yaml").read_text().splitlines()[1]
    assert first.startswith("# ") and "20" in first  # paper and year


def test_a_setup_gives_each_task_its_own_constants():
    _, _, found = composed("dps")
    zeta = {cell.operator.label.split("(")[0]: cell.solver.config["zeta"] for cell in found}
    assert zeta == {
        "downsample_bicubic": 0.3, "blur_gaussian": 0.3, "blur_motion": 0.3, "inpaint_box": 0.5,
        "inpaint_random": 0.5, "phase_retrieval": 1.0,
    }  # fmt: skip
    assert {cell.noise.config["sigma"] for cell in found} == {0.05}
    _, _, found = composed("diffpir")
    assert {(c.noise.config["sigma"], c.solver.config["lam"]) for c in found} == {
        (0.1, 1.75), (0.1, 0.5), (0.1, 3.0), (0.0, 1.0),
    }  # fmt: skip


def test_the_command_line_wins_over_a_setup():
    values, _, found = composed("reddiff", "size=64", "noise.sigma=0.05", "data=astronaut")
    assert values["size"] == 64 and values["data"] == "astronaut"
    assert {cell.noise.config["sigma"] for cell in found} == {0.05} and len(found) == 6


def test_grids_change_axes_only():
    with pytest.raises(ConfigurationError, match="unknown axis of grids 'solvers'"):
        composed("dps", "grids=[{solvers: dps}]")
