"""`inverse restore` of several pictures, of small ones, and of those that cannot be restored."""

import json

import pytest
from PIL import Image


def pictures(folder, **sides):
    folder.mkdir()
    for name, side in sides.items():
        Image.effect_noise((side, side), 60).convert("RGB").save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("side", [1, 2, 10])
def test_a_picture_too_small_for_a_measure_is_restored_and_the_measure_missing(
    inverse, tmp_path, side
):
    source = pictures(tmp_path / "small", icon=side)
    code, out, err, folder = inverse(f"image={source}", "operator=identity", "size=null")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert code == 0 and "no SSIM" in out, err
    assert metrics["ssim"] is None and "11 pixels" in metrics["ssim_missing"]
    assert metrics["psnr"][0] > 0
    assert Image.open(folder / "restored.png").size == (side, side)


def test_what_is_restored_is_written_whatever_the_measures_fail_at(inverse, photo, monkeypatch):
    def fail(*_):
        raise MemoryError("no room for the measures")

    monkeypatch.setattr("inverse.restoring.report.score", fail)
    code, _, err, folder = inverse(f"image={photo}", "samples=2")
    assert code == 1 and "no room" in err
    for name in ("restored.png", "measurement.png", "measurement.npy", "samples.png", "mean.png"):
        assert (folder / name).is_file()


def test_the_bad_files_of_a_folder_are_named_when_the_others_are_restored(inverse, tmp_path):
    source = pictures(tmp_path / "several", a=32, c=3, d=24, e=2)
    (source / "b.png").write_text("no picture")
    code, out, err, folder = inverse(f"image={source}", "operator=downsample", "size=null")
    assert code == 1 and len(err.strip().splitlines()) == 1
    assert "3 of 5 pictures" in err and "b: image" in err and "c: image" in err and "e: " in err
    assert sorted(f.parent.name for f in folder.rglob("restored.png")) == ["a", "d"]
    assert len(out.strip().splitlines()) == 2


def test_what_all_pictures_fail_at_is_said_once(inverse, tmp_path):
    source = pictures(tmp_path / "several", a=16, b=16, c=16)
    code, _, err, _ = inverse(f"image={source}", "operator=jpeg", "solver=ddnm")
    assert code == 1 and "a, b, c: " in err and err.count("needs a linear operator") == 1


def test_a_prior_that_is_not_there_is_no_fault_of_the_pictures(inverse, tmp_path):
    source = pictures(tmp_path / "several", a=16, b=16)
    code, _, err, _ = inverse(f"image={source}", "prior.path=nowhere")
    assert code == 1 and "prior weights not found" in err and "pictures" not in err


def test_the_problem_of_a_picture_is_made_when_its_turn_comes(inverse, tmp_path, monkeypatch):
    from inverse.apps import restore
    from inverse.restoring import cases

    done = []
    for room, name in ((cases, "measure"), (restore, "solve")):
        work = getattr(room, name)

        def noted(*args, work=work, name=name, **options):
            done.append(name)
            return work(*args, **options)

        monkeypatch.setattr(room, name, noted)
    code, _, err, _ = inverse(f"image={pictures(tmp_path / 'several', a=16, b=16, c=16)}")
    assert code == 0 and done == ["measure", "solve"] * 3, err


def test_no_image_is_not_every_picture_of_the_current_folder(inverse, photo):
    for empty in ("image=", "image=''"):
        code, _, err, folder = inverse(empty)
        assert code == 1 and "image is empty" in err and not list(folder.glob("*.png"))


def test_the_home_folder_is_understood(inverse, photo, monkeypatch):
    monkeypatch.setenv("HOME", str(photo.parent))
    for source in ("~/photo.png", "~"):
        code, out, err, folder = inverse(f"image='{source}'", folder="home")
        assert code == 0 and out.startswith("photo:"), err
