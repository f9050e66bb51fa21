"""What ``import inverse`` gives: a restoration in four lines, loaded when asked for."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from PIL import Image

import inverse
import operators as op

ROOT = Path(__file__).parents[2]


def test_a_restoration_takes_four_lines(tmp_path):
    Image.effect_noise((40, 36), 60).save(tmp_path / "photo.jpg")
    x = inverse.load_image(tmp_path / "photo.jpg", size=16)[None]
    problem = op.measure(op.inpaint_half(x.shape[1:]), op.gaussian(0.05), x, op.Rng([0]))
    sampler = inverse.solvers.nested(inverse.priors.bundled(), outer_steps=2)
    result = inverse.solve(sampler, problem, op.Rng([1]), inverse.Budget(nfe=1))
    assert isinstance(result, inverse.Result) and result.x0.shape == x.shape
    assert torch.isfinite(result.x0).all()
    inverse.save_image(result.x0[0], tmp_path / "restored.png")
    assert inverse.load_image(tmp_path / "restored.png").shape == (3, 16, 16)


def test_every_name_of_the_face_is_there_and_no_other():
    assert set(inverse.__all__) <= set(dir(inverse))
    assert all(getattr(inverse, name) is not None for name in inverse.__all__)
    with pytest.raises(AttributeError, match="solver"):
        inverse.solver  # noqa: B018


def test_importing_it_loads_no_library():
    code = "import sys, inverse; dir(inverse); print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


def test_the_version_is_written_in_one_place():
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert inverse.__version__ == version("anytime-inverse")
    assert f"\nversion: {written}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("package", [inverse, op], ids=lambda package: package.__name__)
def test_the_annotations_are_for_users_too(package):
    assert (Path(package.__file__).parent / "py.typed").is_file()
