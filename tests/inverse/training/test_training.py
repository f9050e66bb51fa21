"""Training: the stream is reproducible, a run resumes where it was, a prior gets better."""

import io
import math
import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.priors import EDMPrior, load_prior
from inverse.training.data import DecodedImages, ImageSource
from inverse.training.loss import Loss, draw_field, draws
from inverse.training.muon import Muon, optimisers
from inverse.training.patches import Patches
from inverse.training.recipe import Recipe, draw_nsr
from inverse.training.trainer import Trainer
from inverse.training.validation import denoising_psnr

CONFIG = {"channels": [16, 16], "layers": 1}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "images"
    (place / "deeper").mkdir(parents=True)
    for i in range(4):
        ramp = torch.linspace(0, 255, 24 * 20).view(24, 20).byte()
        pixels = torch.stack([ramp, ramp.flip(0), ramp.flip(1)], -1).roll(i * 5, 0)
        Image.fromarray(pixels.numpy()).save(place / ("deeper" if i % 2 else ".") / f"{i}.png")
    return place


@pytest.fixture
def archive(folder, tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as file:
        for image in folder.rglob("*.png"):
            file.write(image, image.name)
    return path


def recipe(**changes) -> Recipe:
    return Recipe(**{"steps": 6, "batch": 2, "patch": 16, "warmup": 2, "every": 1e9} | changes)


def test_a_folder_and_a_zip_are_sources(folder, archive):
    assert len(ImageSource(folder)) == len(ImageSource(archive)) == 4
    assert ImageSource(archive)[0].shape == (24, 20, 3)


def test_a_zip_that_was_read_goes_on_to_workers_that_are_spawned(archive):
    """As on macOS and Windows, and everywhere from Python 3.14 on."""
    source = ImageSource(archive)
    assert (source[0] == pickle.loads(pickle.dumps(source))[0]).all()


def test_a_source_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no images"):
        ImageSource(tmp_path)
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        ImageSource(tmp_path / "nothing.zip")
    (tmp_path / "empty.zip").write_bytes(io.BytesIO(b"PK\x05\x06" + bytes(18)).getvalue())
    with pytest.raises(ValueError, match="holds no images"):
        ImageSource(tmp_path / "empty.zip")


def test_a_patch_depends_on_its_index_alone(folder):
    first, again = (Patches([ImageSource(folder)], 16, 0, 100) for _ in range(2))
    assert torch.equal(first[7].x0, again[7].x0) and not torch.equal(first[7].x0, first[8].x0)
    x0 = first[3].x0
    assert x0.shape == (3, 16, 16) and x0.min() >= -1 and x0.max() <= 1
    assert Patches([ImageSource(folder)], 32, 0, 1)[0].x0.shape == (3, 32, 32)


def test_patches_come_from_all_sources_alike_and_flat_ones_are_drawn_again(folder, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number in range(9):
        Image.new("RGB", (24, 24), (9, 9, 9)).save(flat / f"{number}.png")
    sources = [ImageSource(folder), ImageSource(flat)]
    dull = [Patches(sources, 16, 0, 60, flat=f) for f in (0.0, 0.01)]
    shares = [np.mean([float(p[k].x0.std()) < 1e-3 for k in range(60)]) for p in dull]
    assert 0.3 < shares[0] < 0.7 and shares[1] < shares[0] / 2


def test_rescaled_patches_are_cut_larger_and_keep_their_size(folder):
    patches = Patches([ImageSource(folder)], 8, 0, 20, rescale=0.5)
    assert all(patches[k].x0.shape == (3, 8, 8) for k in range(20))
    assert torch.equal(patches[5].x0, Patches([ImageSource(folder)], 8, 0, 20, rescale=0.5)[5].x0)


def test_decoded_images_are_those_of_the_source_and_are_decoded_once(folder, tmp_path, monkeypatch):
    source = ImageSource(folder)
    DecodedImages(source, tmp_path / "cache" / "pixels")
    monkeypatch.setattr(ImageSource, "__getitem__", None)
    again = DecodedImages(source, tmp_path / "cache" / "pixels")
    monkeypatch.undo()
    assert len(pickle.dumps(again)) < 10_000  # goes on to workers without its pixels
    assert len(again) == 4 and all(np.array_equal(again[k], source[k]) for k in range(4))
    source.names.pop()
    assert len(DecodedImages(source, tmp_path / "cache" / "pixels")) == 3


def test_uneven_noise_keeps_to_the_levels_it_says():
    base = torch.full((60,), -1.0)
    field = draw_field(base, 16, torch.Generator().manual_seed(0))
    assert field.shape == (60, 3, 16, 16) and not field.isnan().any()
    lost = field.isinf()
    assert 0.05 < float(lost.flatten(1).any(1).float().mean()) < 0.4  # of the patches
    assert field.min() >= math.log(0.002) - 1e-6 and field[~lost].max() <= math.log(80) + 1e-6
    assert torch.equal(field, draw_field(base, 16, torch.Generator().manual_seed(0)))
    holes = [len(one.unique()) == 2 for one in field]
    assert 0.4 < np.mean(holes) < 0.8
    run = Recipe(batch=4, patch=16, fields=0.5)
    shapes = {draws(step, run).log_nsr.ndim for step in range(20)}
    assert shapes == {1, 4}


def test_what_is_lost_tells_the_network_nothing():
    prior = EDMPrior({"kind": "stem", "channels": [8, 8], "layers": 1})
    torch.nn.init.normal_(prior.network.out.weight)
    x0, noise = torch.rand(1, 3, 8, 8), torch.randn(2, 1, 3, 8, 8)
    field = torch.full((1, 3, 8, 8), -2.0)
    field[..., :4] = math.inf
    noise[1, ..., 4:] = noise[0, ..., 4:]
    first, second = (Loss(prior)(x0, field, one) for one in noise)
    assert torch.isfinite(first) and torch.equal(first, second)


def test_muon_steps_along_the_orthogonal_part_of_the_gradient():
    generator = torch.Generator().manual_seed(0)
    for shape in ((32, 40, 3, 3), (48, 32, 1, 2)):
        gradient = torch.randn(shape, generator=generator)
        kernel = torch.nn.Parameter(torch.zeros(shape))
        kernel.grad = gradient.clone()
        Muon([kernel], 0.1).step()
        way = kernel.detach().flatten(1)
        u, _, v = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
        size = 0.1 * 0.2 * max(way.shape) ** 0.5
        along = u.T @ way @ v.T / -size
        assert (along.diagonal() > 0.6).all() and (along.diagonal() < 1.3).all()
        assert (along - along.diagonal().diag()).abs().max() < 1e-3


def test_muon_is_for_the_inner_convolutions():
    prior = EDMPrior({"kind": "stem", "channels": [32, 64], "layers": 1})
    muon, adam = optimisers(prior, 1e-3, True, False)
    inner = [p for group in muon.param_groups for p in group["params"]]
    assert len(inner) == 2 * 3 + 2 and all(p.ndim == 4 for p in inner)  # blocks, in and down
    count = sum(len(group["params"]) for group in adam.param_groups)
    assert count + len(inner) == len(list(prior.parameters()))
    assert len(optimisers(prior, 1e-3, False, False)) == 1


def test_noise_levels_cover_the_path_of_a_sampler():
    nsr = draw_nsr(20_000, Recipe(), torch.Generator().manual_seed(0)).exp()
    assert float((nsr > 20).float().mean()) > 0.01 and float((nsr < 0.005).float().mean()) > 0.005


@pytest.mark.slow
def test_training_learns_to_denoise(folder, tmp_path):
    torch.manual_seed(0)
    prior, source = EDMPrior(CONFIG), ImageSource(folder)
    before = denoising_psnr(prior.eval(), source, (50,))["psnr50"]
    trainer = Trainer(prior, recipe(steps=60, batch=4, average=0.5), tmp_path)
    reports = list(trainer.run([source], source))
    after = denoising_psnr(load_prior(tmp_path / "prior.safetensors"), source, (50,))["psnr50"]
    assert after > before + 2
    assert reports[-1]["psnr50"] == pytest.approx(after, abs=0.05)


def test_the_rate_warms_up_and_falls_to_zero():
    r = Recipe(rate=1.0, warmup=10, decay=0.4)
    assert r.rate_at(0, 0.0) == 0.1 and r.rate_at(100, 0.5) == 1.0
    assert r.rate_at(100, 0.8) == pytest.approx(0.5) and r.rate_at(100, 1.0) == 0.0
