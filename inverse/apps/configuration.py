"""Configurations: where they are, building objects from them, and errors that name the mend."""

import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

import conf

FOLDER = Path(conf.__file__).parent.resolve()
GRID = FOLDER / "_grid"  # the apps whose groups are lists of choices, so no groups of Hydra's
TRUSTED = ("inverse.", "operators.")


class ConfigurationError(ValueError):
    """An override or a configuration is wrong; the message names the nearest right one."""


def groups(folder: Path = FOLDER) -> dict[str, list[str]]:
    """The choices of every configuration group, from the files."""
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("_"))
    return {p.name: sorted(f.stem for f in p.glob("*.yaml")) for p in folders}


def check_overrides(name: str, arguments: Sequence[str], folder: Path = FOLDER) -> None:
    """Raise ConfigurationError for an override that names no group, choice or value."""
    overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
    if not overrides:
        return
    parsed = OverridesParser.create().parse_overrides(overrides)
    known, chosen = groups(folder), []
    for override in parsed:
        if override.key_or_group in known and not override.is_delete():
            for choice in _choices(override):
                expect(choice, known[override.key_or_group], override.key_or_group)
            chosen.append(f"{override.key_or_group}={_choices(override)[0]}")
    with initialize_config_dir(str(folder), version_base="1.3"):
        config = compose(name, [c for c in chosen if "=" in c])
    keys = set(_flat(OmegaConf.to_container(config)))
    for override in parsed:
        key = override.key_or_group
        free = override.is_add() or override.is_delete() or key.startswith("hydra")
        if not free and key not in keys and key not in known:
            expect(key, sorted(keys | set(known)), "option")


def _choices(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(choice) for choice in override.sweep_string_iterator()]
    return [str(override.value())]


def expect(value: str, valid: Sequence[str], what: str) -> None:
    """Raise ConfigurationError, naming the nearest valid one, for a value that is not valid."""
    if value in valid:
        return
    near = difflib.get_close_matches(value, valid, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    few = f"choose one of {', '.join(valid)}" if len(valid) < 30 else "see --help"
    raise ConfigurationError(f"unknown {what} {value!r}: {hint}{few}")


def _flat(tree: Any, prefix: str = "") -> Iterable[str]:
    if prefix:
        yield prefix
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))


def build(config: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Instantiate a configuration's ``_target_``, which must be one of ours.

    Raises:
        ConfigurationError: for a foreign target, a missing value (``???``), a wrong argument.
        Whatever the target raises on bad values, unwrapped from Hydra's exception.
    """
    target = str(config.get("_target_", ""))
    if not target.startswith(TRUSTED):
        raise ConfigurationError(f"_target_ must start with {' or '.join(TRUSTED)}, got {target!r}")
    missing = OmegaConf.missing_keys(config)
    if missing:
        key = min(missing)
        raise ConfigurationError(f"{key} is missing: give it as {key}=VALUE")
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


class Job:
    """A Hydra job whose error is kept for us to raise: Hydra would print a line of its own.

    In a multirun the other jobs go on, and the first error is raised at the end.
    """

    def __init__(
        self, function: Callable[[DictConfig], None], name: str, folder: Path = FOLDER
    ) -> None:
        self.function, self.name, self.folder = function, name, folder
        self.errors: list[Exception] = []

    def __call__(self, config: DictConfig) -> None:
        try:
            self.function(config)
        except Exception as error:
            self.errors.append(error)

    def run(self) -> None:
        """Check the overrides in ``sys.argv``, run under Hydra, raise what went wrong."""
        check_overrides(self.name, sys.argv[1:], self.folder)
        GlobalHydra.instance().clear()
        settings = {"config_path": str(self.folder), "config_name": self.name}
        hydra.main(version_base="1.3", **settings)(self)()
        if self.errors:
            raise self.errors[0]
