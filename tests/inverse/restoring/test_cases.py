"""From photograph to problem to samples: one way, whoever asks."""

import zipfile
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from inverse.apps import main as command
from inverse.apps import restore
from inverse.apps.demo import recipe
from inverse.images import load_image
from inverse.priors import faster, load_prior, save_prior
from inverse.restoring import kept, photographs, simulated
from inverse.samplers import Reusing
from inverse.solvers import ddnm
from inverse.solving import Budget, Planned, ready, solve
from inverse.training.data import ImageSource
from operators import (
    LinearOperator,
    Problem,
    SizeError,
    block_sensing,
    downsample_gaussian,
    gaussian,
    identity,
    multiple_of,
)
from tests.inverse.solver_cases import tiny_prior


class Tiles(LinearOperator):
    """Somebody's own operator, for images of whole tiles of 5 x 5 pixels."""

    def __init__(self, image_shape):
        if any(side % 5 for side in image_shape[1:]):
            raise SizeError(f"Tiles: cannot tile {image_shape}", 5)
        super().__init__(image_shape, image_shape)

    def _forward(self, x):
        return -x

    _adjoint = _forward


def test_one_picture_is_measured_and_restored_alike_by_every_app(tmp_path, monkeypatch):
    """Restore, the page, the benchmark and tuning, of a picture that must be cropped."""
    pytest.importorskip("optuna", reason="tuning needs the extra: tune")
    pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")
    from inverse.benchmarking import restoring, tuning

    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    save_prior(tiny_prior(), "prior.safetensors")
    Image.effect_noise((41, 38), 60).convert("RGB").save("photos/photo.png")
    seen = []

    def noted(sampler, problem, *arguments, **options):
        result = solve(sampler, problem, *arguments, **options)
        seen.append((problem.y, result.x0))
        return result

    for room in (restore, restoring, tuning):
        monkeypatch.setattr(room, "solve", noted)
    prior, solver = ["prior=file", "prior.path=prior.safetensors"], ["solver=diffpir"]
    solver += ["solver.steps=2", "solver.lam=0.5"]
    shared = [*prior, *solver, "device=cpu"]
    words = ["image=photos/photo.png", "size=null", "operator=downsample", *prior, *solver]
    command.main(["restore", *words, "device=cpu", "lpips=null", "hydra.run.dir=out"])
    made = recipe(load_prior("prior.safetensors"), "cpu", words, tmp_path)
    noted(made.sampler, made.problem, made.rng, made.budget)
    command.main(
        ["tune", "images=photos", "operators=[downsample]", "search={lam: [0.5]}", *shared]
    )
    lists = ["prior={name: file, path: prior.safetensors}", "operator=downsample"]
    lists += ["solver={name: diffpir, steps: 2, lam: 0.5}", "data=photos/photo.png", "lpips=null"]
    command.main(["benchmark", *lists, "out=run", "device=cpu", "size=null", "dists=false"])
    assert len(seen) == 4 and seen[0][0].shape == (1, 3, 9, 10)
    for y, x0 in seen[1:]:
        assert torch.equal(y, seen[0][0]) and torch.equal(x0, seen[0][1])


@pytest.mark.parametrize(
    ("build", "multiple"),
    [
        (Tiles, 5),
        (partial(downsample_gaussian, factor=3), 3),  # whose kernel is larger than a pixel
        (partial(block_sensing, block=8), 8),
    ],
)
def test_pictures_are_cropped_to_what_an_operator_takes(build, multiple):
    images = torch.rand(2, 3, 47, 52, generator=torch.Generator().manual_seed(0))
    truth, case = simulated(build, gaussian(0.1), ["a", "b"], images, 0)
    sides = tuple(side - side % multiple for side in (47, 52))
    assert case.problem.operator.in_shape == (3, *sides) and multiple_of(build) == multiple
    top, left = ((side - kept) // 2 for side, kept in zip((47, 52), sides, strict=True))
    assert torch.equal(truth, images[:, :, top : top + sides[0], left : left + sides[1]])
    with pytest.raises(ValueError, match=f"smaller than {multiple}"):
        simulated(build, gaussian(0.1), ["a", "b"], images[..., :2], 0)


def test_a_sample_depends_on_its_picture_alone():
    images = torch.rand(2, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    _, both = simulated(Tiles, gaussian(0.1), ["a", "b"], images, 7)
    _, alone = simulated(Tiles, gaussian(0.1), ["b"], images[1:], 7)
    many, seeds = both.samples(3, "cpu")
    few, last = alone.samples(2, "cpu")
    assert torch.equal(many.y[3:5], few.y) and seeds[3:5] == last and len(set(seeds)) == 6


def test_what_is_run_is_decoded_planned_and_reuses():
    reusing = faster(tiny_prior(), reuse=2)
    sampler = ready(partial(ddnm, steps=3), reusing, Budget(nfe=2))
    assert isinstance(sampler, Reusing) and isinstance(sampler.sampler, Planned)
    assert not isinstance(ready(partial(ddnm, steps=3), tiny_prior()), Reusing | Planned)


def test_all_who_read_pictures_know_the_same_files(tmp_path):
    place = tmp_path / "photos"
    place.mkdir()
    picture = Image.effect_noise((9, 8), 60).convert("RGB")
    for name in ("a.bmp", "b.PNG", "c.webp"):
        picture.save(place / name)
    for name in ("._a.png", "notes.txt"):
        (place / name).write_text("no picture")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for path in place.iterdir():
            file.write(path, path.name)
    for whole in (place, tmp_path / "all.zip"):
        found = photographs(str(whole))
        assert list(found) == ["a", "b", "c"]
        assert ImageSource(whole).names == ["a.bmp", "b.PNG", "c.webp"]
    assert torch.equal(load_image(place / "a.bmp"), load_image(place / "b.PNG"))


def test_of_large_pictures_fewer_estimates_are_kept_for_the_report():
    small, large = (
        Problem(
            identity((3, side, side)),
            gaussian(0.1),
            torch.zeros(1, 3, 1, 1).expand(2, 3, side, side),
        )
        for side in (256, 4000)
    )
    assert kept(small) == 24 and kept(large) == 1
