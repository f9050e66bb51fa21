"""`inverse restore` of clips: films, animations, folders and arrays, by any solver."""

import json

import pytest
import torch

from inverse.images import load_clip, load_image, save_clip, save_image
from tests.inverse import pipelines
from tests.inverse.pipelines import TEXT
from tests.inverse.solver_cases import tiny_prior

VIDEO = ("solver=nested_video", "solver.outer_steps=2", "solver.inner_most=1")


@pytest.fixture
def clip():
    """A pan over a smooth pattern, (3, 6, 32, 32)."""
    wide = torch.linspace(-3, 9, 48).sin() * torch.linspace(0, 5, 32).cos()[:, None]
    tint = torch.tensor([0.8, 0.5, 0.3])[:, None, None]
    return torch.stack([tint * wide[:, 2 * t : 2 * t + 32] for t in range(6)], 1)


@pytest.fixture
def array(clip, tmp_path):
    save_clip(clip, tmp_path / "pan.npy")
    return tmp_path / "pan.npy"


def metrics(folder) -> dict:
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("source", ["pan.mp4", "pan.gif", "pan.webp", "pan.npy", "pan"])
def test_every_kind_of_clip_is_restored_into_its_like(inverse, clip, tmp_path, source):
    if source.endswith("mp4"):
        pytest.importorskip("imageio_ffmpeg", reason="imageio's ffmpeg is not installed")
    save_clip(clip, tmp_path / source)
    said = [] if source.endswith(("mp4", "gif")) else ["clip=true"]
    code, out, err, folder = inverse(f"image={source}", "operator=identity", *said)
    assert code == 0, err
    suffix = source.removeprefix("pan")
    for name in ("restored", "measurement"):
        assert load_clip(folder / f"{name}{suffix}").shape == (3, 6, 32, 32)
    assert load_image(folder / "sheet.png").shape == (3, 3 * 32, 6 * 32)
    found = metrics(folder)
    assert found["frames"] == len(found["psnr"]) == len(found["ssim"]) == 6
    assert found["flicker"] > 0 and found["finished"] and "pan: PSNR" in out


def test_a_clip_is_restored_frame_by_frame_as_its_frames_are(inverse, clip, tmp_path):
    """Measurement and restoration are those of pictures of the same names, whatever the window."""
    (tmp_path / "pan").mkdir()
    for t, frame in enumerate(clip.movedim(1, 0)):
        save_image(frame, tmp_path / "pan" / f"{t}.png")
    words = ("operator=downsample", "image=pan", "clip=true", "solver.outer_steps=1")
    _, _, err, long = inverse(*words, "window=16", folder="long")
    _, _, _, short = inverse(*words, "window=4", folder="short")
    assert torch.equal(load_clip(long / "restored"), load_clip(short / "restored")), err
    _, _, _, few = inverse(*words, "frames=2", folder="few")
    assert torch.equal(load_clip(long / "restored")[:, :2], load_clip(few / "restored"))


@pytest.mark.parametrize("solver", ["ddrm", "dps", "tds", "sitcom"])
def test_any_solver_restores_frames_as_pictures(inverse, array, solver):
    words = (f"image={array}", "clip=true", "frames=3", f"solver={solver}", "solver.steps=2")
    code, _, err, folder = inverse(*words)
    assert code == 0 and metrics(folder)["frames"] == 3, err


@pytest.mark.parametrize("time", [None, "blur", "exposure"])
def test_a_solver_of_clips_restores_what_time_mixed(inverse, array, time):
    words = {
        None: [],
        "blur": ["time=blur", "time.size=3"],
        "exposure": ["time=exposure", "time.every=2"],
    }[time]
    code, _, err, folder = inverse(
        f"image={array}", "clip=true", "operator=downsample", *words, *VIDEO
    )
    assert code == 0, err
    assert load_clip(folder / "restored.npy").shape == (3, 6, 32, 32)
    assert load_clip(folder / "measurement.npy").shape[1] == (3 if time == "exposure" else 6)
    assert metrics(folder)["windows"] == 1


def test_lvtino_restores_what_time_mixed(inverse, array):
    words = (f"image={array}", "clip=true", "operator=downsample", "time=blur", "time.size=3")
    code, _, err, folder = inverse(*words, "solver=lvtino", "solver.steps=2")
    assert code == 0 and load_clip(folder / "restored.npy").shape == (3, 6, 32, 32), err


WAN = ("solver=lvtino", "solver.steps=2", "+prior@solver.video=latent", "solver.video.path=wan")


@TEXT
def test_a_video_network_of_a_folder_restores_clips_with_one_of_pictures(inverse, array, tmp_path):
    pipelines.wan(tmp_path / "wan")
    words = (f"image={array}", "clip=true", "operator=downsample", "time=blur", "time.size=3", *WAN)
    code, _, err, folder = inverse(*words, "frames=5", "solver.tv=0.1")
    assert code == 0 and load_clip(folder / "restored.npy").shape == (3, 5, 32, 32), err
    code, _, err, folder = inverse(*words, "window=4", "overlap=2", folder="other")
    assert code == 1 and "takes clips (3, 4 k + 1, H, W)" in err.splitlines()[-1]
    assert not folder.exists() or not list(folder.glob("restored*"))


def test_frames_of_windows_that_were_measured_alike_do_not_know_how_long_the_clip_is(
    inverse, array
):
    words = (f"image={array}", "clip=true", "operator=downsample", *VIDEO, "window=3", "overlap=1")
    _, _, err, long = inverse(*words, folder="long")
    _, _, _, short = inverse(*words, "frames=5", folder="short")
    a, b = (load_clip(folder / "restored.npy") for folder in (long, short))
    assert torch.equal(a[:, :4], b[:, :4]), err
    assert metrics(long)["windows"] == 3 and metrics(short)["windows"] == 2


def test_no_more_frames_than_a_window_are_restored_at_a_time(inverse, array, monkeypatch):
    seen = []
    kind = type(tiny_prior())
    denoise = kind.denoise
    monkeypatch.setattr(
        kind, "denoise", lambda self, x, level: (seen.append(len(x)), denoise(self, x, level))[1]
    )
    for words in (VIDEO, ()):
        inverse(f"image={array}", "clip=true", "operator=identity", "window=2", "overlap=1", *words)
    assert max(seen) == 2


def test_the_noise_is_that_of_the_seed(inverse, array):
    words = (f"image={array}", "clip=true", "operator=identity", "solver.outer_steps=1")
    for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
        inverse(*words, f"seed={seed}", folder=folder)
    one, two, other = (
        load_clip(array.parent / f / "measurement.npy") for f in ("one", "two", "other")
    )
    assert torch.equal(one, two) and not torch.equal(one, other)
    noise = (one - load_clip(array))[:, :, 8:24, 8:24].flatten(2)
    assert float((noise[:, 0] * noise[:, 1]).mean()) < 0.2 * float(noise.square().mean())


def test_a_measured_clip_is_restored_and_scored_against_the_truth(inverse, array, clip, tmp_path):
    save_clip(clip[:, :, ::2, ::2], tmp_path / "y.npy")
    words = ("measurement=y.npy", "clip=true", "operator=downsample", "operator.factor=2")
    code, out, err, folder = inverse(*words, "noise.sigma=0.05")
    assert code == 0 and "PSNR" not in out, err
    assert load_clip(folder / "restored.npy").shape == clip.shape
    code, _, err, folder = inverse(*words, "noise.sigma=0.05", f"truth={array}", folder="scored")
    assert code == 0 and len(metrics(folder)["psnr"]) == 6, err
    code, _, err, folder = inverse(
        *words, "noise.sigma=0.05", "time=exposure", "time.every=2", "shape=[3,12,32,32]", *VIDEO
    )
    assert code == 0 and load_clip(folder / "restored.npy").shape[1] == 12, err


def test_motion_is_estimated_where_it_is_asked_for(inverse, array):
    words = (f"image={array}", "clip=true", "operator=identity", *VIDEO)
    code, _, err, still = inverse(*words, folder="still")
    assert code == 0, err
    code, _, err, moving = inverse(*words, "solver.motion=estimate", folder="moving")
    assert code == 0, err
    assert metrics(moving)["psnr"][0] > metrics(still)["psnr"][0]


def test_out_is_written_beside(inverse, array, tmp_path):
    words = (f"image={array}", "clip=true", "operator=identity", "solver.outer_steps=1")
    code, _, err, _ = inverse(*words, "out=mine.gif")
    assert code == 0 and load_clip(tmp_path / "mine.gif").shape[1] == 6, err


def test_a_budget_is_shared_by_the_windows(inverse, array):
    words = (f"image={array}", "clip=true", "operator=identity", *VIDEO, "window=3", "overlap=0")
    code, out, err, folder = inverse(*words, "budget.nfe=3", "plan=false")
    assert code == 0 and "stopped early" in out, err
    assert metrics(folder)["frames"] == 6 and metrics(folder)["nfe"] == 6


WRONG = {
    "no such file": ["image=lost.mp4"],
    "give a whole film": ["image=bad.mp4"],
    "is no clip": ["image=words.txt", "clip=true"],
    "clip=true": ["image=folder", "time=blur"],
    "frames=9 must be 1 to 6": ["image=pan.npy", "clip=true", "frames=9"],
    "solver=nested_video": ["image=pan.npy", "clip=true", "time=blur"],
    "size must be odd": ["image=pan.npy", "clip=true", "time=blur", "time.size=4", *VIDEO],
    "0 <= overlap < window": ["image=pan.npy", "clip=true", "window=4", *VIDEO],
    "take overlap=2": ["image=pan.npy", "clip=true", "time=blur", "time.size=3", "window=4",
                       "overlap=1", *VIDEO],
    "pages is for pictures": ["image=pan.npy", "clip=true", "pages=[1]"],
    "samples is for pictures": ["image=pan.npy", "clip=true", "samples=2"],
    "needs a linear operator": ["image=pan.npy", "clip=true", "operator=gamma", *VIDEO],
    "unknown suffix": ["image=pan.npy", "clip=true", "out=mine.txt"],
    "this prior is of pictures": ["image=pan.npy", "clip=true", "solver=lvtino",
                                  "+prior@solver.video=bundled"],
    "solver.video are for clips": ["image=folder", "clip=false", "solver=lvtino",
                                   "+prior@solver.video=bundled"],
    "solver.video must be a prior of its own, as +prior@solver.video=latent": [
        "image=pan.npy", "clip=true", "solver=lvtino", "solver.video=folder"],
    "unknown option of solver 'video'": ["image=pan.npy", "clip=true", *VIDEO,
                                         "+prior@solver.video=bundled"],
    "solver.motion must be": ["image=pan.npy", "clip=true", *VIDEO, "solver.motion=guess"],
    "say what clip is behind it": ["measurement=pan.npy", "clip=true", "operator=identity",
                                   "time=exposure", "noise.sigma=0.1", *VIDEO],
}  # fmt: skip


@pytest.mark.parametrize("told", WRONG)
def test_what_does_not_fit_a_clip_is_told_in_one_line(inverse, array, tmp_path, told):
    if told == "give a whole film":
        pytest.importorskip("imageio_ffmpeg", reason="imageio's ffmpeg is not installed")
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    (tmp_path / "words.txt").write_text("no clip")
    (tmp_path / "folder").mkdir()
    code, _, err, folder = inverse(*WRONG[told])
    lines = [line for line in err.splitlines() if line.strip()]
    assert code == 1 and len(lines) == 1 and told in err, err
    assert not list(folder.glob("restored*"))
