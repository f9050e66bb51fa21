"""What is written comes back: JSON, folders of its own, the names of results, commands."""

import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from inverse.benchmarking.commands import override
from inverse.files import as_json, named, new_folder
from inverse.restoring import report as restoration

NAMES = [
    "a.png", "./a", "/data/a b.png", "hf:faces/test/3", "photo (1).png", "m (1)/máscara.png",
    "résultats (1)", "café.png", "日本.png", "a,b.png", "a=b.png", "it's.png", 'say "hi".png',
    "[1].png", "{x}", "#1.png", "wow!.png", "a&b.png", "${image}", r"a\${b}", "2024", "1.5", "1e5",
    "1_000", "null", "None", "true", "NaN", "-inf", "~/none.png", "x@0:3", "glob(*)", " a ", "a\nb",
    "", r"C:\photos\a.png", r"\\server\share" + "\\", 'a\\"b', "a\\\\'b", "a\\\n",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_command_comes_back_as_the_same_name(name):
    parser = OverridesParser.create()
    for value in (name, ["first", name]):
        (word,) = shlex.split(override("image", value))
        parsed = parser.parse_override(word)
        assert not parsed.is_sweep_override()
        config = OmegaConf.create({"image": parsed.value()})
        assert OmegaConf.to_container(config, resolve=True) == {"image": value}


def test_values_that_are_no_text_come_back_as_they_are():
    parser = OverridesParser.create()
    for value in (None, True, False, 3, 0.5, 1e-7, [1, 2.5, None]):
        (word,) = shlex.split(override("key", value))
        got = parser.parse_override(word).value()
        assert got == value and type(got) is type(value)


def test_numbers_that_are_not_finite_are_null_in_json():
    value = {"psnr": [float("inf"), 30.5], "deep": ({"x": float("nan")}, -float("inf"), 1, "NaN")}
    expected = {"psnr": [None, 30.5], "deep": [{"x": None}, None, 1, "NaN"]}

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(as_json(value), parse_constant=refuse) == expected


def test_each_of_many_at_once_gets_a_folder_of_its_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(new_folder, [tmp_path / "day" / "11-22-33"] * 8))
    assert len(set(made)) == 8 and all(folder.is_dir() for folder in made)
    assert {f.name for f in made} == {"11-22-33", *(f"11-22-33-{k}" for k in range(2, 9))}
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        new_folder(tmp_path / "file" / "out")


@pytest.mark.parametrize(
    "files, names",
    [
        (["a.png", "b.jpg"], ["a", "b"]),
        (["x.jpg", "x.png", "y.png"], ["x.jpg", "x.png", "y"]),
        (["X.png", "x.png"], ["X.png", "x.png"]),
        (["x.jpg", "x.png", "x.png.png"], ["x.jpg", "x.png", "x.png.png"]),
        (["x.png", "x.png.png"], ["x", "x.png.png"]),
    ],
)
def test_files_of_one_stem_keep_their_whole_names(files, names):
    paths = [Path("photos") / file for file in files]
    assert named(paths) == dict(zip(names, paths, strict=True))


def test_memory_is_told_in_the_units_of_the_system(monkeypatch):
    resource = pytest.importorskip("resource")
    usage = type("Usage", (), {"ru_maxrss": 300_000_000})
    monkeypatch.setattr(resource, "getrusage", lambda who: usage)
    cpu = torch.device("cpu")
    for system, megabytes in (("darwin", 300), ("linux", 307_200)):
        monkeypatch.setattr("sys.platform", system)
        assert restoration.peak_memory_mb(cpu) == megabytes
    monkeypatch.setitem(__import__("sys").modules, "resource", None)  # as on Windows
    assert restoration.peak_memory_mb(cpu) is None
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 5e6)
    assert restoration.peak_memory_mb(torch.device("cuda")) == 5
