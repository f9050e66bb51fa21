"""The axes of a benchmark's grid, from configurations: a name, a mapping, or a list of either."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from omegaconf import DictConfig, OmegaConf

from inverse.apps.configuration import (
    ConfigurationError,
    build,
    check_values,
    expect,
    groups,
    read,
    target_of,
)
from inverse.benchmarking.commands import override
from inverse.benchmarking.grid import Cell, Part, expand, file_digests, weights_digest

GROUPS = ("operator", "noise", "solver", "prior")


def cells(
    values: Mapping[str, Any], seeds: Sequence[int], settings: Mapping[str, Any]
) -> Iterator[Cell]:
    """The cells of every grid: of the axes in `values`, changed as each entry of grids says.

    Raises:
        ConfigurationError: as `axis`, and for a change of something that is no axis.
    """
    changes = values["grids"] or [{}]
    for name in {name for change in changes for name in change}:
        expect(name, GROUPS, "axis of grids")
    made = {
        name: axis(name, values[name]) for name in GROUPS if any(name not in c for c in changes)
    }
    for change in changes:
        own = {name: axis(name, value) for name, value in change.items()}
        yield from expand(made | own, seeds, settings)


def axis(group: str, value: Any) -> list[Part]:
    """The parts that `value` names in a configuration group.

    An entry is a choice, or {name: choice, key: value, ...}; where a key that holds no list in
    the group's file is given one, each of its values makes a part of its own.

    Raises:
        ConfigurationError: for an unknown choice or key, an entry of another form, or none.
    """
    entries = value if isinstance(value, list) else [value]
    parts = [part for entry in entries for part in _entry(group, entry)]
    if not parts:
        raise ConfigurationError(f"{group} names nothing: give one of {', '.join(groups()[group])}")
    return parts


def _entry(group: str, entry: Any) -> Iterator[Part]:
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise ConfigurationError(
            f"{group} must be a name or {{name: ..., key: value}}, got {entry}"
        )
    name = given["name"]
    expect(name, groups()[group], group)
    defaults: dict[str, Any] = OmegaConf.to_container(  # pyright: ignore[reportAssignmentType]
        read(group, name), resolve=False
    )
    options = {key: values for key, values in given.items() if key != "name"}
    for key in options:
        expect(key, [k for k in defaults if not k.startswith("_")], f"option of {group} {name}")
    axes = [
        values if isinstance(values, list) and not isinstance(defaults[key], list) else [values]
        for key, values in options.items()
    ]
    for chosen in product(*axes):
        yield _part(group, name, defaults, dict(zip(options, chosen, strict=True)))


def _part(group: str, name: str, defaults: dict[str, Any], options: dict[str, Any]) -> Part:
    values = defaults | options
    given = OmegaConf.create({"seed": 0, group: values})[group]
    check_values(given, target_of(given))
    shown = ", ".join(f"{key}={value}" for key, value in options.items())
    words = [override(group, name)]
    words += [override(f"{group}.{key}", value) for key, value in options.items()]
    if group == "prior":
        prior = _made(group, values, 0)  # once, however many cells it serves
        config = values | {"path": None, "weights": weights_digest(prior)}
        make = partial(_same, prior)
    else:
        config, make = values | file_digests(values), partial(_made, group, values)
    if group == "solver":  # configurations of solvers are factories that wait for the prior
        make = partial(_sampler, values)
    return Part(f"{name}({shown})" if shown else name, config, tuple(words), make)


def _made(group: str, values: dict[str, Any], seed: int, *arguments: Any) -> Any:
    config = OmegaConf.create({"seed": seed, group: values})[group]
    assert isinstance(config, DictConfig)
    return build(config, *arguments)


def _sampler(values: dict[str, Any], seed: int, prior: Any) -> Any:
    return _made("solver", values, seed)(prior)


def _same(prior: Any, seed: int) -> Any:
    return prior
