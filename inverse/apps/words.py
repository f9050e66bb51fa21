"""The words of a command line as they were meant: names that Hydra's grammar would not take."""

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from inverse.apps.configuration import FOLDER, ConfigurationError, expect, groups, target_of
from inverse.apps.values import fits, hints
from inverse.benchmarking.commands import quoted

WORD = re.compile(r"(?P<key>(\+{0,2}|~)[\w./@:$-]+)=(?P<value>.*)", re.ASCII | re.DOTALL)


def check_overrides(
    name: str, arguments: Sequence[str], folder: Path = FOLDER, taker: Any = None
) -> list[str]:
    """The overrides as Hydra takes them (`readable`).

    Args:
        taker: whose annotations say what the values outside of groups may be.

    Raises:
        ConfigurationError: for an override that names no group, choice or value.
    """
    for before, word in zip(["-m", *arguments], arguments, strict=False):
        alone = before[0:1] != "-" or before in ("-m", "--multirun")  # no option's value
        if alone and not re.match("[-~]|.*=", word, re.DOTALL):
            raise ConfigurationError(f"{word!r} is no override: give key=value, as image={word}")
    if not any("=" in a for a in arguments):
        return list(arguments)
    known, chosen, parser = groups(folder), [], OverridesParser.create()
    arguments = [word for given in arguments for word in _unfolded(given, known)]
    of_groups = [a for a in arguments if re.split("[@=]", a.lstrip("+"))[0] in known]
    for override in parser.parse_overrides(readable(of_groups, lambda key: Any)):
        for choice in _choices(override):
            expect(choice, known[override.key_or_group], override.key_or_group)
        chosen.append(f"{override.get_key_element()}={_choices(override)[0]}")
    config = _composed(name, tuple(chosen), folder)
    keys = set(_flat(OmegaConf.to_container(config)))
    words = readable(arguments, partial(_hint, config, hints(taker) if taker else {}))
    for override in parser.parse_overrides([w for w in words if "=" in w and w[0] != "-"]):
        key = override.key_or_group
        free = override.is_add() or override.is_delete() or key.startswith("hydra")
        if not free and key not in keys and key not in known:
            _expect_key(key, sorted(keys | set(known)), known)
    return words


def _unfolded(word: str, known: Iterable[str]) -> list[str]:
    """What `group=FILE.yaml` stands for: the choice that the file begins from, and its values."""
    group, _, file = word.partition("=")
    if group not in known or not file.endswith(".yaml"):
        return [word]
    try:
        values: Any = OmegaConf.to_container(OmegaConf.load(_home(file)))
        choice = next(name for name in values.pop("defaults") if name != "_self_")
    except (OSError, AttributeError, KeyError, TypeError, StopIteration) as error:
        raise ConfigurationError(
            f"{word}: no preset; give a file that begins `defaults: [nested, _self_]`, as "
            "`inverse tune preset=FILE.yaml` writes it"
        ) from error
    return [f"{group}={choice}", *(f"{group}.{k}={json.dumps(v)}" for k, v in values.items())]


@cache
def _composed(name: str, chosen: tuple[str, ...], folder: Path) -> DictConfig:
    """The configuration with the choices of groups; to be read alone, as others have it too."""
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose(name, list(chosen))


def _expect_key(key: str, keys: Sequence[str], known: Iterable[str]) -> None:
    """Refuse an unknown key; under a group, whose choice may have renamed it, with all it takes."""
    group, _, name = key.rpartition(".")
    if group not in known:
        expect(key, keys, "option")
    of_group = [k.removeprefix(f"{group}.") for k in keys if k.startswith(f"{group}.")]
    expect(name, [k for k in of_group if not k.startswith("_")], f"option of the {group}")


def _hint(config: DictConfig, top: dict[str, Any], key: str) -> Any:
    """The annotation behind a key: in `top`, in a class there, or of what a group builds."""
    group, _, name = key.rpartition(".")
    if not group:
        return top.get(name, Any)
    taker = top.get(group) or target_of(OmegaConf.select(config, group))
    return hints(taker).get(name, Any) if taker else Any


def _choices(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(choice) for choice in override.sweep_string_iterator()]
    return [str(override.value())]


def _flat(tree: Any, prefix: str = "") -> Iterable[str]:
    if prefix:
        yield prefix
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))


def readable(words: Sequence[str], hint_of: Callable[[str], Any]) -> list[str]:
    """The words, with values put in quotes where they can but be text.

    That is what Hydra cannot parse, unless it begins as a list or a mapping where one may stand;
    what it would take for a number, a sweep, ... under a key that takes text alone; a path that is
    there as it stands. `~/` is the home folder.

    Args:
        hint_of: the annotation of a key; Any where there is none.
    """
    sweeps = any(word in ("-m", "--multirun") for word in words)
    return [_word(word, hint_of, sweeps) for word in words]


def _word(word: str, hint_of: Callable[[str], Any], sweeps: bool) -> str:
    match = WORD.fullmatch(word)
    if match is None:
        return word
    key, raw = match["key"], match["value"]
    hint = hint_of(key.lstrip("+~"))
    try:
        parsed = OverridesParser.create().parse_override(word)
    except HydraException as error:
        if raw.startswith(("[", "{")) and not (fits(raw, hint) and not fits([], hint)):
            raise ConfigurationError(
                f"{key}: cannot read {raw}; inside of a list or a mapping put names in quotes, "
                "as in \"['photo (1).png', 'b.png']\", and close every bracket"
            ) from error
        return f"{key}={quoted(_home(raw))}"
    text = _text(parsed, raw, hint, sweeps)
    return word if text is None else f"{key}={quoted(_home(text))}"


def _text(parsed: Override, raw: str, hint: Any, sweeps: bool) -> str | None:
    """The text that is to be quoted; None where the word may stay as it is."""
    if parsed.is_sweep_override():
        meant = sweeps or hint is Any or not fits(raw, hint) or fits([raw], hint)
        return None if meant else raw
    value = parsed.value()
    if isinstance(value, str):
        if value != raw and os.path.exists(raw):
            return raw
        return value if _home(value) != value else None
    listed = isinstance(value, list) and fits([], hint)
    return None if listed or fits(value, hint) or not fits(raw, hint) else raw


def _home(text: str) -> str:
    return os.path.expanduser(text) if re.match(r"~(/|$)", text) else text
