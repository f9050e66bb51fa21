"""Every mistake gets one line and no files."""

import numpy as np
import pytest
from PIL import Image

from inverse.apps.words import check_overrides

BAD = {
    "missing image": (["image=nowhere.png"], "no such file"),
    "not an image": (["image=notes.png"], "cannot be read"),
    "image smaller than the kernel": (["operator=blur_gaussian"], "larger than the image"),
    "mask of another size": (
        ["image=photo.png", "size=null", "operator=inpaint_file", "operator.mask=small.png"],
        "mask",
    ),
    "missing mask": (["operator=inpaint_file"], "operator.mask is missing"),
    "unknown solver": (["solver=nestd"], "did you mean 'nested'"),
    "unknown option": (["nois.sigma=0.1"], "did you mean 'noise.sigma'"),
    "negative sigma": (["noise.sigma=-0.1"], "0 or more"),
    "sigma no number": (["noise.sigma=loud"], "noise.sigma must be a number"),
    "sides no powers of two": (["operator=walsh_hadamard", "size=30"], "power"),
    "unwritable folder": (["hydra.run.dir=notes.png/out"], "notes.png"),
    "unknown device": (["device=tpu"], "auto, cpu, cuda"),
    "missing prior": (["prior.path=nowhere"], "prior weights not found"),
    "corrupt prior": (["prior.path=notes.png"], "corrupt"),
    "no samples": (["samples=0"], "samples must be a positive whole number, got 0"),
    "bad budget": (["budget.seconds=-1"], "must be positive"),
    "half a factor": (["operator=downsample", "operator.factor=2.5"], "operator.factor must be"),
    "no factor": (["operator=downsample", "operator.factor=0"], "Downsample: factor must be"),
    "a word alone": (["photo.png"], "give key=value"),
    "an open bracket": (["shape=[3,8"], "close every bracket"),
    "knob of another solver": (["solver.zeta=1"], "the solver 'zeta': did you mean 'inner_zeta'?"),
    "wrong argument": (["+operator.colour=red"], "colour"),
    "steps no number": (["solver.outer_steps=none"], "must be a whole number, got 'none'"),
    "foreign target": (["solver._target_=os.system"], "_target_ must start with"),
    "lpips of another kind": (["lpips=best"], "choose one of alex, squeeze, vgg"),
    "amplitudes from an image file": (
        ["measurement=square.png", "operator=phase_retrieval"], "values in a .npy file",
    ),
    "size of a measurement": (["measurement=square.png", "size=8"], "size is for image="),
    "shape of a photograph": (["shape=[3,8,8]"], "shape is for measurement="),
    "truth of a photograph": (["truth=square.png"], "truth is for measurement="),
    "measurement of another shape": (
        ["measurement=square.png", "operator=walsh_hadamard"], "values in a .npy file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_one_line_and_no_files(inverse, photo, tmp_path, case):
    (tmp_path / "notes.png").write_text("not a picture")
    Image.new("L", (8, 8), 255).save(tmp_path / "small.png")
    Image.new("RGB", (16, 16)).save(tmp_path / "square.png")
    arguments, message = BAD[case]
    code, out, err, folder = inverse(*arguments)
    lines = [line for line in err.splitlines() if line.strip()]
    assert code not in (0, None)
    assert len(lines) == 1 and lines[0].startswith("inverse restore: error:"), err
    assert message in lines[0] and "Traceback" not in out + err
    assert not list(folder.glob("*.png")) and not list(folder.glob("*.json"))


def test_nan_in_a_measurement_is_refused(inverse):
    np.save("y.npy", np.full((3, 8, 8), np.nan))
    code, _, err, _ = inverse("measurement=y.npy", "shape=[3,8,8]", "operator=identity")
    assert code == 1 and "NaN" in err


def test_debug_shows_the_traceback(inverse):
    with pytest.raises(ValueError, match="0 or more"):
        inverse("noise.sigma=-1", "--debug")


def test_overrides_are_checked_in_sweeps_too():
    check_overrides("restore", ["solver=dps,nested", "hydra.run.dir=x", "+operator.keep=0.1", "-m"])
    with pytest.raises(ValueError, match="unknown solver 'dpss'"):
        check_overrides("restore", ["solver=nested,dpss"])
