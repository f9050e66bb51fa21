"""`inverse train network.informed=[...]`, and restoring with the network that it makes."""

import pytest

from inverse.apps import main as command
from inverse.priors import EDMPrior, load_prior, save_prior

WORDS = ["train", "images=photos", "network=stem", "network.channels=[8,8]", "network.layers=1"]
WORDS += ["network.informed=[wiener]", "operators=[downsample]", "recipe=residual", "out=made"]
WORDS += ["recipe.batch=2", "recipe.patch=16", "+recipe.steps=2", "device=cpu"]

pytestmark = pytest.mark.usefixtures("photos")


@pytest.mark.parametrize("begun", [True, False], ids=["from weights", "from nothing"])
def test_an_informed_network_is_trained_and_restores_in_four_calls(capsys, begun):
    plain = EDMPrior({"kind": "stem", "channels": [8, 8], "layers": 1})
    save_prior(plain, "plain.safetensors")
    begin = ["weights=plain.safetensors"] if begun else []
    command.main([*WORDS, *begin, "network.paired=true"])
    assert load_prior("made/prior.safetensors").config["informed"] == ["wiener"]
    restore = ["restore", "image=photos/a.png", "operator=downsample", "solver=resshift", "size=16"]
    restore += [
        "prior=file",
        "prior.path=made/prior.safetensors",
        "lpips=null",
        "hydra.run.dir=out",
    ]
    command.main(restore)
    assert "psnr" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["network.informed=[]"], "give network.informed=[wiener]"),
        (["operators=[]"], "give operators="),
        (["network.informed=[depth]"], "informed by some of wiener, adjoint, mask, got depth"),
        (["network=local"], "take stem"),
        (["operators=[blur]"], "unknown operator 'blur'"),
        (["network.informed=[mask]"], "needs an inpainting operator"),
    ],
)
def test_what_cannot_be_informed_is_said_in_a_line(changed, said, capsys):
    chosen = {word.split("=")[0] for word in changed}
    kept = [word for word in WORDS if word.split("=")[0] not in chosen]
    with pytest.raises(SystemExit):
        command.main([*kept, *changed])
    assert said in capsys.readouterr().err
