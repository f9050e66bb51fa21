"""Values of configurations: what each may be is what the annotations of its taker say."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints


class Limit(NamedTuple):
    """What a value must be besides its type, in words and as a test, in an annotation."""

    said: str
    holds: Callable[[Any], bool]


Count = Annotated[int, Limit("a positive whole number", lambda n: n >= 1)]
Natural = Annotated[int, Limit("a whole number that is not negative", lambda n: n >= 0)]
Name = Annotated[str, Limit("text (not empty)", bool)]
PLAIN = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
PLAIN |= {NoneType: "null"}
PARTS = {"Prior": "a prior of its own, as +prior@{0}=latent {0}.path=FOLDER"}  # by a class's name


def hints(taker: Any) -> dict[str, Any]:
    """{argument or field: annotation} of a function, or of a class."""
    maker = taker.__init__ if inspect.isclass(taker) else taker
    made = get_type_hints(maker, include_extras=True) if inspect.isfunction(maker) else {}
    return (get_type_hints(taker, include_extras=True) if maker is not taker else {}) | made


def wrong(value: Any, hint: Any, key: str) -> str | None:
    """What is wrong with the value of a key, on one line: key, what is expected, value."""
    if isinstance(value, Mapping) and inspect.isclass(hint) and hint not in PLAIN:
        return first_wrong(value, hints(hint), key)
    if fits(value, hint):
        return None
    quote = "; put it in quotes" if fits("text", hint) and not isinstance(value, str) else ""
    said = " or ".join(dict.fromkeys(_said(hint))).format(key) or "keys and values"
    return f"{key} must be {said}, got {value!r}{quote}"


def first_wrong(values: Mapping[Any, Any], known: Mapping[str, Any], key: str = "") -> str | None:
    """`wrong` of the first of several values under a key that is not of its annotation."""
    prefix = f"{key}." if key else ""
    found = (wrong(values[k], known[k], f"{prefix}{k}") for k in known if k in values)
    return next(filter(None, found), None)


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of an annotation."""
    return any(_fits(value, member) for member in _members(hint))


def choices(hint: Any) -> str:
    """The texts among which a value is chosen, as `a|b`; empty where there are none."""
    return "|".join(get_args(hint)) if get_origin(hint) is Literal else ""


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return fits(value, arguments[0]) and arguments[1].holds(value)
    if origin is Literal:
        return value in arguments
    if origin in (Sequence, list):
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if hint in (int, float):
        kinds = (int, float) if hint is float else int
        return isinstance(value, kinds) and not isinstance(value, bool)
    if hint in (str, Path):
        return isinstance(value, str)
    if hint in (bool, NoneType):
        return isinstance(value, hint)
    return hint is Any or isinstance(value, Mapping)  # what a configuration of its own makes


def _said(hint: Any) -> Iterator[str]:
    for member in _members(hint):
        origin, arguments = get_origin(member), get_args(member)
        if origin is Annotated:
            yield arguments[1].said
        elif origin is Literal:
            yield from map(str, arguments)
        elif origin in (Sequence, list):
            yield f"a list, each {' or '.join(_said(arguments[0]))}"
        elif member in PLAIN:
            yield PLAIN[member]
        elif part := PARTS.get(getattr(member, "__name__", "")):
            yield part
