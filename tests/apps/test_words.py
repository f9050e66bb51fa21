"""Names and values as people type them: taken as they were meant, or refused by key and value."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from inverse.apps import benchmark, certify, convert, demo, restore, train, tune
from inverse.apps.configuration import (
    FOLDER,
    GRID,
    ConfigurationError,
    check_values,
    groups,
    read,
    target_of,
)
from inverse.apps.values import hints
from inverse.apps.words import check_overrides

NAMES = [
    "2024", "1.5", "null", "true", "1e5", "NaN", "résultats (1)", "m (1)/máscara.png", "café.png",
    "日本.png", "a,b.png", "a=b.png", "it's.png", "[1].png", "[1]", "{x}", "#1.png", "wow!.png",
    "photo(1).png", "glob(*)", r"C:\photos\a.png", r"C:\new (1)\a.png", "a b.png", "a\nb.png",
]  # fmt: skip


def composed(*words: str) -> Any:
    overrides = check_overrides("restore", words, taker=restore.Values)
    with initialize_config_dir(str(FOLDER), version_base="1.3"):
        return compose("restore", overrides)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_needs_no_quotes(name):
    config = composed(f"image={name}", "operator=inpaint_file", f"operator.mask={name}")
    assert config.image == config.operator.mask == name


def test_the_home_folder_is_found_quoted_or_not(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for word in ("image=~/none.png", "image='~/none.png'"):
        assert composed(word).image == "/home/me/none.png"


def test_a_path_that_is_there_is_taken_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = r"\\share\a.png"
    assert composed(f"image={name}").image == r"\share\a.png"  # escaped, in the grammar
    Path(name).touch()
    assert composed(f"image={name}").image == name


def test_the_grammar_is_kept_where_it_can_be_meant(monkeypatch):
    monkeypatch.setenv("PHOTO", "2024")
    config = composed(
        "measurement=null", "image=${oc.env:PHOTO}", "shape=[3,8,8]", "budget.seconds=1e1",
        "prior=file", "prior.label=7", "+noise.extra=3",
    )  # fmt: skip
    assert config.measurement is None and config.shape == [3, 8, 8]
    assert (config.image, config.budget.seconds, config.prior.label) == ("2024", 10.0, 7)
    sweep = ["-m", "image=a.png,b.png", "solver=dps,nested"]
    assert check_overrides("restore", sweep, taker=restore.Values) == sweep


def test_a_preset_s_file_stands_for_a_choice_and_its_values_which_later_words_change(tmp_path):
    preset = tmp_path / "mine.yaml"
    preset.write_text("defaults: [nested, _self_]\nlam: 0.3\ninner_eta: null\nouter_steps: 4\n")
    config = composed("image=a.png", f"solver={preset}", "solver.outer_steps=5")
    assert config.solver == {**read("solver", "nested"), "lam": 0.3, "outer_steps": 5}
    for words in ("lam: 0.3\n", "defaults: [_self_]\n", "- a\n"):
        preset.write_text(words)
        with pytest.raises(ConfigurationError, match="no preset; give a file that begins"):
            composed(f"solver={preset}")
    with pytest.raises(ConfigurationError, match="no preset"):
        composed("solver=nowhere.yaml")


def plain(file: Path) -> DictConfig:
    """The values of an app, without what is Hydra's."""
    config = OmegaConf.load(file)
    assert isinstance(config, DictConfig)
    return OmegaConf.masked_copy(config, [str(k) for k in config if k not in ("defaults", "hydra")])


APPS = {
    "restore": restore, "tune": tune, "train": train, "convert": convert, "demo": demo,
    "benchmark": benchmark, "certify": certify,
}  # fmt: skip


@pytest.mark.parametrize("app", APPS)
def test_every_value_of_an_app_is_annotated_and_its_default_fits(app):
    folder = GRID if app == "benchmark" else FOLDER
    config = plain(folder / f"{app}.yaml")
    assert set(config) == set(get_type_hints(APPS[app].Values)) | (set(config) & set(groups()))
    check_values(config, APPS[app].Values)


WRONG = {
    "samples": 2.5, "size": "abc", "seed": -1, "plan": "maybe", "shape": [3, 8.5, 8], "image": 7,
    "budget.seconds": "abc", "budget.nfe": 2.5, "device": None,
}  # fmt: skip


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_told_with_its_key_and_what_is_expected(key):
    config = plain(FOLDER / "restore.yaml")
    OmegaConf.update(config, key, WRONG[key])
    with pytest.raises(ValueError) as told:
        check_values(config, restore.Values)
    assert str(told.value).startswith(f"{key} must be ")
    assert f"got {WRONG[key]!r}" in str(told.value)


@pytest.mark.parametrize("group", groups())
def test_every_value_of_every_choice_is_checked_by_its_key(group):
    for choice in groups()[group]:
        config = OmegaConf.create({"seed": 0, group: read(group, choice)})
        target = target_of(config[group])
        check_values(config[group], target)  # the defaults fit
        for key in [k for k in config[group] if not str(k).startswith("_")]:
            assert key in hints(target), f"{choice}.{key} has no annotation"
            wrong = config.copy()
            OmegaConf.update(wrong, f"{group}.{key}", {"not": "this"}, merge=False)
            if any(
                kind in str(hints(target)[key])
                for kind in ("Callable", "Tensor", "Mapping", "Prior")
            ):
                continue
            with pytest.raises(ValueError, match=f"{group}.{key} must be .*got {{'not': 'this'}}"):
                check_values(wrong[group], target)


@pytest.mark.parametrize("solver", ["nested_fast", "plain"])
def test_a_choice_that_begins_from_another_is_read_as_hydra_composes_it(solver):
    assert read("solver", solver) == composed(f"solver={solver}").solver
