"""`inverse tune method=unrolled`: a network trained through a walk, and what is refused."""

import re

import pytest
import torch

from inverse.apps import main as command
from inverse.priors import EDMPrior, load_prior, save_prior

WORDS = ["tune", "method=unrolled", "images=photos", "operators=[walsh_hadamard]", "device=cpu"]
WORDS += ["+recipe.steps=2", "recipe.batch=2", "recipe.patch=16", "hydra.run.dir=out"]
WORDS += ["prior=file", "prior.path=small.safetensors", "solver=idm"]


@pytest.fixture(autouse=True)
def folder(photos):
    torch.manual_seed(0)
    save_prior(EDMPrior({"channels": [8, 8], "layers": 1}), photos / "small.safetensors")
    return photos


@pytest.mark.parametrize("learn", ["true", "false"])
def test_the_last_line_restores_with_what_was_tuned(folder, capsys, learn):
    command.main([*WORDS, f"learn_levels={learn}"])
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert ("solver.levels=[" in last) == (learn == "true")
    tuned, before = load_prior("out/prior.safetensors"), load_prior("small.safetensors")
    assert tuned.config["unrolled"] == {"solver": "idm", "operators": ["walsh_hadamard"]}
    pairs = zip(tuned.parameters(), before.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)
    words = re.sub(r"^inverse ", "", last).split()
    command.main([*words, "image=photos/a.png", "lpips=null", "operator=walsh_hadamard", "size=16"])
    assert "psnr" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prior.tile=8"], "method=unrolled trains a network of inverse train, whole"),
        (["solver=dps"], "guided by the network's gradient"),
        (["operators=[blur]"], "unknown operator 'blur'"),
        (["method=gradient"], "method must be search or unrolled"),
    ],
)
def test_what_cannot_be_tuned_is_said_in_a_line(words, said, capsys):
    chosen = {word.split("=")[0] for word in words}
    kept = [word for word in WORDS if word.split("=")[0] not in chosen]
    with pytest.raises(SystemExit):
        command.main([*kept, *words])
    assert said in capsys.readouterr().err
