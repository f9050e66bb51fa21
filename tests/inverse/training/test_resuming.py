"""Training: exact resuming, several processes, classes, flows, whole pictures; and loading it."""

import math
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.denoise import Prior
from inverse.levels import VE, Level
from inverse.priors import ClassifierFree, EDMPrior, Tiled, load_prior, save_prior
from inverse.priors.presets import from_file
from inverse.solvers import diffpir
from inverse.solving import solve
from inverse.training.data import ImageSource
from inverse.training.loss import Loss, draws
from inverse.training.patches import Patches, scaled
from inverse.training.recipe import Recipe
from inverse.training.team import Alone, Shares, gather
from inverse.training.trainer import Trainer
from operators import Rng, gaussian, identity, measure

SMALL = {"channels": [16, 16], "layers": 1}
CLASSES = ["dark", "light"]


@pytest.fixture
def folder(tmp_path):
    """Dark and light pictures, of two classes."""
    draw = np.random.default_rng(0)
    for k, name in enumerate(CLASSES):
        place = tmp_path / "images" / name
        place.mkdir(parents=True)
        for i in range(3):
            pixels = draw.integers(20 + 150 * k, 80 + 150 * k, (20, 28, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{i}.png")
    return tmp_path / "images"


def recipe(**changes) -> Recipe:
    plain = {"steps": 4, "batch": 2, "patch": 16, "warmup": 2, "every": 1e9, "minutes": 1e9}
    return Recipe(**plain | changes)


def trainer(out, classes=(), **changes) -> Trainer:
    torch.manual_seed(0)
    return Trainer(EDMPrior(SMALL | {"classes": list(classes)}), recipe(**changes), out)


def state(trained: Trainer) -> list[torch.Tensor]:
    """Weights, Adam's moments, averaged weights."""
    adam = [s for o in trained.optimisers for s in o.state_dict()["state"].values()]
    moments = [value for each in adam for value in each.values()]
    return [*trained.prior.state_dict().values(), *moments, *trained.average.shadow_params]


def test_a_run_that_was_broken_off_ends_exactly_where_a_whole_one_does(folder, tmp_path):
    source = ImageSource(folder)
    whole = trainer(tmp_path / "whole", CLASSES)
    reports = list(whole.run([source]))
    broken = trainer(tmp_path / "parts", CLASSES, every=0.0)
    for report in broken.run([source]):
        if report["step"] == 2:
            break  # killed after the checkpoint of step 2
    torch.manual_seed(77)  # no draw of torch's own
    rest = trainer(tmp_path / "parts", CLASSES)
    assert rest.step == 2
    last = list(rest.run([source]))[-1]
    assert all(torch.equal(a, b) for a, b in zip(state(whole), state(rest), strict=True))
    assert last["step"] == 4 and last["loss"] == reports[-1]["loss"]
    files = [load_prior(tmp_path / run / "prior.safetensors") for run in ("whole", "parts")]
    for a, b in zip(*(f.state_dict().values() for f in files), strict=True):
        assert torch.equal(a, b)


def test_the_loss_is_edms(folder):
    torch.manual_seed(0)
    prior, x0, noise = EDMPrior(SMALL), torch.randn(2, 3, 16, 16) / 2, torch.randn(2, 3, 16, 16)
    for p in prior.parameters():
        p.data += 0.05 * torch.randn(p.shape)
    errors = []
    for k, nsr in enumerate((0.1, 2.0)):
        d = prior.denoise((x0 + nsr * noise)[k : k + 1], VE()(nsr))
        weight = (nsr**2 + 0.25) / (nsr * 0.5) ** 2
        errors.append(weight * (d - x0[k : k + 1]).square().mean())
    got = Loss(prior)(x0, torch.tensor([0.1, 2.0]).log(), noise)
    assert torch.allclose(got, torch.stack(errors).mean(), rtol=1e-4)


class Exact(torch.nn.Module):
    """The velocity of a standard normal prior, ``E[noise - x0 | x_t]``, told the time."""

    def forward(self, z, t, return_dict=False):
        t = (t / 1000).view(-1, 1, 1, 1)
        return (z * (2 * t - 1) / ((1 - t) ** 2 + t**2),)


def test_a_flow_is_the_velocity_of_the_straight_path():
    """With the exact velocity of N(0, 1): its own posterior mean, on every path, and the loss."""
    prior = EDMPrior(SMALL | {"parametrisation": "flow"})
    prior.network = Exact()
    x = torch.randn(4, 3, 8, 8)
    for level in (VE()(0.02), VE()(1.0), VE()(50.0), Level(0.3, 0.7), Level(0.8, 0.6)):
        mean = x * level.alpha / (level.alpha**2 + level.sigma**2)
        assert torch.allclose(prior.denoise(x, level), mean, atol=1e-4)
    x0, noise, nsr = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8), torch.tensor(0.5)
    t = float(nsr / (1 + nsr))
    x_t = (1 - t) * x0 + t * noise
    want = (x_t * (2 * t - 1) / ((1 - t) ** 2 + t**2) - (noise - x0)).square().mean()
    assert torch.allclose(Loss(prior)(x0, nsr.log().expand(4), noise), want, rtol=1e-5)


def test_the_logit_normal_law_of_a_flows_time():
    log_nsr = draws(0, Recipe(batch=4000, patch=1, centre=0.0, spread=1.0, uniform=0.0)).log_nsr
    t = log_nsr.sigmoid()
    logits = torch.log(t / (1 - t))
    assert abs(float(logits.mean())) < 0.05 and abs(float(logits.std()) - 1) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("parametrisation", ["edm", "flow"])
def test_a_class_conditional_prior_learns_its_classes(folder, tmp_path, parametrisation):
    torch.manual_seed(0)
    config = SMALL | {"classes": CLASSES, "parametrisation": parametrisation}
    run = recipe(steps=40, batch=8, average=0.5, rate=5e-3, centre=1.5, uniform=0.0)
    source = ImageSource(folder)
    assert source.classes == CLASSES
    list(Trainer(EDMPrior(config), run, tmp_path).run([source]))
    x = 5 * torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    loaded = [load_prior(tmp_path / "prior.safetensors", label=label) for label in ("dark", 1)]
    shades = [float(prior.denoise(x, VE()(5.0)).mean()) for prior in loaded]
    assert shades[0] + 0.3 < shades[1]
    guided = from_file(tmp_path / "prior.safetensors", label="light", guidance=2.0)
    problem = measure(identity((3, 16, 16)), gaussian(5.0), torch.zeros(1, 3, 16, 16), Rng([0]))
    dark = from_file(tmp_path / "prior.safetensors", label="dark", guidance=2.0)
    lit, unlit = (solve(diffpir(p, steps=4), problem, Rng([1])) for p in (guided, dark))
    assert float(lit.x0.mean()) > float(unlit.x0.mean()) + 0.3
    assert lit.nfe == 8  # two calls per step


def test_labels_are_those_of_the_folders(folder):
    source = ImageSource(folder)
    patches = Patches([source], 16, 0, 50, classes=CLASSES)
    for k in range(8):
        x0, label = patches[k]
        assert CLASSES[int(label)] == ("light" if x0.mean() > 0 else "dark")
    assert {int(patches[k].label) for k in range(8)} == {0, 1}
    assert int(Patches([source], 16, 0, 50)[0].label) == 0
    Image.new("RGB", (20, 20)).save(folder / "stray.png")
    with pytest.raises(ValueError, match="stray.png lies in no folder"):
        _ = ImageSource(folder).classes


def test_some_go_unlabelled():
    run = Recipe(batch=1000, patch=2, unlabelled=0.2)
    dropped = draws(5, run).unlabelled
    assert 0.15 < float(dropped.float().mean()) < 0.25
    assert torch.equal(dropped, draws(5, run).unlabelled)
    assert not draws(5, Recipe(batch=100, patch=2, unlabelled=0.0)).unlabelled.any()


def test_whole_pictures_are_scaled_and_mirrored_only(folder):
    assert scaled(np.zeros((20, 28, 3), np.uint8), 10).shape == (10, 14, 3)
    ramp = np.repeat(np.linspace(0, 255, 20).astype(np.uint8)[:, None, None], 20, 1).repeat(3, 2)
    Image.fromarray(ramp).save(folder / "dark" / "ramp.png")
    source = ImageSource(folder / "dark")
    ramps = [p.x0 for p in (Patches([source], 10, 0, 40, whole=True)[k] for k in range(40))]
    ramps = [x for x in ramps if x.std() > 0.4]
    assert ramps and all((x[:, -1] > x[:, 0]).all() for x in ramps)  # never upside down


def test_attention_sees_the_whole_picture():
    config = {"kind": "attention", "size": 16, "channels": [16, 32], "layers": 1}
    torch.manual_seed(0)
    prior = EDMPrior(config | {"classes": CLASSES}).eval()
    for p in prior.parameters():
        p.data += 0.05 * torch.randn(p.shape)
    x = torch.randn(1, 3, 16, 16)
    other = x.clone()
    other[..., 0, 0] += 5
    with torch.no_grad():
        change = (prior.denoise(other, VE()(1.0)) - prior.denoise(x, VE()(1.0))).abs()
    assert prior.shape == (3, 16, 16) and float(change[..., -1, -1].min()) > 0


def test_files_hold_all_that_a_prior_is(tmp_path):
    path = tmp_path / "prior.safetensors"
    more = {"classes": CLASSES, "parametrisation": "flow", "kind": "attention", "size": 16}
    prior = EDMPrior(SMALL | more)
    save_prior(prior, path, torch.float32)
    loaded, x = load_prior(path, label="light"), torch.randn(1, 3, 16, 16)
    assert loaded.config == prior.config and loaded.label == 1
    same = prior.labelled(1).denoise(x, VE()(0.5))
    assert torch.equal(loaded.denoise(x, VE()(0.5)), same)
    plain = tmp_path / "plain.safetensors"
    save_prior(EDMPrior(SMALL), plain)
    guided = from_file(path, label=0, guidance=2.0, tile=8, reuse=2)
    assert isinstance(guided, ClassifierFree) and isinstance(guided.free, Tiled)
    assert isinstance(from_file(path, label=0), Prior)
    for bad, message in (
        ({"path": path, "label": "ligth"}, "did you mean 'light'"),
        ({"path": path, "label": 2}, "name or 0..1, got 2"),
        ({"path": path, "guidance": 2.0}, "guidance=2.0 needs a label"),
        ({"path": plain, "label": 0}, "it knows no classes"),
    ):
        with pytest.raises(ValueError, match=message):
            from_file(**bad)


def test_bad_configurations_are_refused():
    for bad, message in (
        ({"parametrisation": "score"}, "edm or flow"),
        ({"kind": "transformer"}, "one of stem, local, attention"),
        ({"kind": "attention"}, "network size"),
        ({"size": 64}, "network size"),
    ):
        with pytest.raises(ValueError, match=message):
            EDMPrior(SMALL | bad)


def test_patches_are_of_the_size_of_the_network(tmp_path):
    prior = EDMPrior(SMALL | {"kind": "attention", "size": 32})
    with pytest.raises(ValueError, match="patch=16: this network is for pictures of 32"):
        Trainer(prior, recipe(), tmp_path)


def test_the_shares_of_a_batch_make_up_the_batch():
    teams = [SimpleNamespace(rank=rank, size=3) for rank in range(3)]
    shares = [list(Shares(2, 4, 6, team)) for team in teams]  # pyright: ignore
    assert [sum(parts, []) for parts in zip(*shares, strict=True)] == [
        list(range(12, 18)), list(range(18, 24)),
    ]  # fmt: skip
    assert list(Shares(0, 2, 3, Alone("cpu"))) == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="batch=4 cannot be shared equally among 3"):
        Shares(0, 1, 4, teams[0])  # pyright: ignore


def test_without_others_one_trains_alone(monkeypatch):
    assert isinstance(gather("cpu"), Alone)
    assert gather("cpu").mean(torch.tensor(0.5)) == 0.5 and gather("cpu").agreed(math.pi) == math.pi


def alone(folder: str, out: str) -> None:
    torch.set_num_threads(1)
    list(trainer(out, CLASSES, steps=3).run([ImageSource(folder)]))


def one_of_two(rank: int, folder: str, out: str, meeting: str) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=2
    )
    alone(folder, out)


@pytest.mark.slow
def test_two_processes_train_as_one_does(folder, tmp_path):
    """Started afresh: a fork of a process whose OpenMP threads ran would wait for ever."""
    pytest.importorskip("accelerate", reason="accelerate is an extra (distributed)")
    places = [str(tmp_path / name) for name in ("two", "meeting")]
    torch.multiprocessing.spawn(one_of_two, (str(folder), *places), nprocs=2)
    alone(str(folder), str(tmp_path / "one"))
    one, two = (torch.load(tmp_path / n / "last.pt", weights_only=True) for n in ("one", "two"))
    assert two["step"] == 3 and math.isclose(one["running"], two["running"], rel_tol=1e-4)
    for name, weight in one["prior"].items():
        assert torch.allclose(weight, two["prior"][name], atol=1e-4), name
