"""Configurations: where they are, building objects from them, and errors that name the mend."""

import difflib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

import inverse
from inverse.apps.values import choices, first_wrong, hints

INSTALLED = Path(inverse.__file__).parent.resolve() / "conf"  # where a wheel has it
FOLDER = INSTALLED if INSTALLED.is_dir() else INSTALLED.parents[1] / "conf"  # or a checkout
GRID = FOLDER / "_grid"  # the apps whose groups are lists of choices, so no groups of Hydra's
TRUSTED = ("inverse.", "operators.")


class ConfigurationError(ValueError):
    """An override or a configuration is wrong; the message names the nearest right one."""


def groups(folder: Path = FOLDER) -> dict[str, list[str]]:
    """The choices of every configuration group, from the files."""
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("_"))
    return {p.name: sorted(f.stem for f in p.glob("*.yaml")) for p in folders}


def read(group: str, choice: str) -> DictConfig:
    """The values of a choice, upon those of the choice it begins from (its `defaults`)."""
    values: Any = OmegaConf.load(FOLDER / group / f"{choice}.yaml")
    first = [read(group, name) for name in values.pop("defaults", []) if name != "_self_"]
    return DictConfig(OmegaConf.merge(*first, values))


def target_of(config: Any) -> Any:
    """What a configuration builds, where it is one of ours."""
    target = str(config.get("_target_", "")) if isinstance(config, DictConfig) else ""
    return hydra.utils.get_object(target) if target.startswith(TRUSTED) else None


def check_values(config: DictConfig, taker: Any) -> None:
    """Raise ConfigurationError for a value that is not what the taker's annotations say."""
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    given = {key: value for key, value in values.items() if value != "???"}
    if error := first_wrong(given, hints(taker), config._get_full_key("")):
        raise ConfigurationError(error)


def check_target(config: Any) -> None:
    """`check_values` of what a configuration builds, where it is one of ours, and of its keys."""
    if taker := target_of(config):
        taken = inspect.signature(taker).parameters
        given = [key for key in map(str, config) if key[0] != "_"]
        free = any(it.kind is it.VAR_KEYWORD for it in taken.values())
        for key in [] if free else given:
            full = config._get_full_key(key)
            expect(key, [k for k in given if k in taken], f"option of {full.rpartition('.')[0]}")
        check_values(config, taker)


def expect(value: str, valid: Sequence[str], what: str) -> None:
    """Raise ConfigurationError, naming the nearest valid one, for a value that is not valid."""
    if value in valid:
        return
    near = difflib.get_close_matches(value, valid, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    few = f"choose one of {', '.join(valid)}" if len(valid) < 30 else "see --help"
    raise ConfigurationError(f"unknown {what} {value!r}: {hint}{few}")


def build(config: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Instantiate a configuration's `_target_`, which must be one of ours.

    Raises:
        ConfigurationError: for a foreign target, a missing value (`???`), a wrong argument.
        Whatever the target raises on bad values, unwrapped from Hydra's exception.
    """
    target = str(config.get("_target_", ""))
    if not target.startswith(TRUSTED):
        raise ConfigurationError(f"_target_ must start with {' or '.join(TRUSTED)}, got {target!r}")
    missing = OmegaConf.missing_keys(config)
    if missing:
        key = min(missing)
        value = choices(hints(target_of(config)).get(key.rpartition(".")[2])) or "VALUE"
        raise ConfigurationError(f"{key} is missing: give it as {key}={value}")
    check_target(config)
    options = {"_execution_whitelist_": [f"{t}*" for t in TRUSTED]} if _whitelists() else {}
    try:
        return hydra.utils.instantiate(config, *args, **options, **kwargs)
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, TypeError):
            raise ConfigurationError(f"{target}: {cause}") from cause
        raise cause from error


def _whitelists() -> bool:
    return hasattr(hydra.utils, "execution_whitelist")
