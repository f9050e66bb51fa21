"""A network out of a Python file, with its weights."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from inverse.priors.checkpoints.states import below, load_state
from operators.core import first_line


def load_module(
    place: str, weights: str | Path | None = None, arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """The network `FILE.py:Class` made with `arguments`, ready to evaluate.

    The file is run (`run_file`). The weights are read as tensors only (`load_state`); their names
    may all start alike ("model."), and what starts otherwise is left aside.

    Raises:
        FileNotFoundError, ValueError: as `run_file`.
        ValueError: for a class that is not in the file, is no `nn.Module` or does not take the
            arguments, or weights of another network.
    """
    module, name = run_file(place, "prior.network", "Class")
    kind = getattr(module, name, None)
    if not (inspect.isclass(kind) and issubclass(kind, nn.Module)):
        raise ValueError(f"prior.network {place}: the file has no torch.nn.Module named {name!r}")
    try:
        network = kind(**(arguments or {}))
    except TypeError as error:
        raise ValueError(
            f"prior.network {place}: {error}; give its arguments as +prior.arguments.NAME=VALUE"
        ) from error
    if weights is not None:
        fill(network, load_state(weights), weights)
    return network.eval().requires_grad_(False)


def fill(network: nn.Module, state: Mapping[str, Tensor], source: str | Path) -> None:
    """Load the network's tensors out of `state`, found under whatever their names start with.

    Raises:
        ValueError: for names or shapes of another network.
    """
    own = below(state, list(network.state_dict()) or [""])
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ValueError(
            f"weights {source} are not those of {type(network).__name__}: {reason}"
        ) from error


def load_function(place: str, key: str) -> Callable[..., Any]:
    """The function `FILE.py:function`, or another thing that can be called.

    Args:
        key: of the configuration that named it.

    Raises:
        FileNotFoundError, ValueError: as `run_file`.
        ValueError: for a file that has none of the name.
    """
    module, name = run_file(place, key, "function")
    function = getattr(module, name, None)
    if not callable(function):
        raise ValueError(f"{key} {place}: the file has no function named {name!r}")
    return function


def run_file(place: str, key: str, what: str) -> tuple[ModuleType, str]:
    """`FILE.py:name` as a module of its own, which nothing else can import by its name, and name.

    The file is run: name only one that you trust. Files beside it can be imported by it. Known to
    Python while it runs alone: so a pickle for another process holds its classes.

    Args:
        key: of the configuration that named it. what: the name should be of.

    Raises:
        FileNotFoundError: for no such file.
        ValueError: for another form of `place`, and a file that cannot be run.
    """
    file, _, name = place.rpartition(":")
    if not file.endswith(".py"):
        raise ValueError(f"{key} must be FILE.py:{what}, got {place!r}")
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"{key} {path}: no such file")
    spec = importlib.util.spec_from_file_location(f"{path.stem} of {key}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.append(str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = first_line(error)
        raise ValueError(f"{key} {path} cannot be run: {reason}") from error
    finally:
        sys.path.pop()
        del sys.modules[spec.name]
    return module, name
