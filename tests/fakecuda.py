"""Run torch code as if on a GPU, without one: real values on the CPU under the name of a device.

A `Pretend` tensor wraps a real one and says that it is on ``cuda:0`` (or ``mps:0``). A dispatch
mode sees every operation: one that mixes devices raises, as a GPU would, and one for which the host
waits or copies is noted with its place. A function mode does the same for what Python decides
earlier. Values are real, so control flow goes as it would. Below, wrappers are "lazy": autograd
then runs on the calling thread and asks no stream of them.
"""

import contextlib
import functools
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from benchmarks.speed import WAITS

ROOT = str(Path(__file__).parent.parent) + "/"
PRIVATE = (
    (torch.Tensor, "_make_wrapper_subclass"),
    (torch.cuda, "_lazy_init"),
)
MISSING = [name for owner, name in PRIVATE if not hasattr(owner, name)]
INDEXING = ("index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_")
CONJUGATES = {
    torch.ops.aten._conj.default: torch.ops.aten._conj_physical.default,
    torch.ops.aten._neg_view.default: torch.ops.aten.neg.default,
}
"""Views by a bit of the tensor, which a wrapper does not have: the same by value."""


class Note(NamedTuple):
    kind: str  # wait or copy
    what: str
    where: str


class Pretend(Tensor):
    """A tensor that says it is elsewhere."""

    held: Tensor
    place: torch.device

    @staticmethod
    def __new__(cls, real: Tensor, place: torch.device, requires_grad: bool = False):
        layout = {"strides": real.stride(), "storage_offset": real.storage_offset()}
        kind = {"dtype": real.dtype, "device": torch.device("lazy", place.index)}
        return Tensor._make_wrapper_subclass(
            cls, real.size(), requires_grad=requires_grad, **layout, **kind
        )

    def __init__(self, real: Tensor, place: torch.device, requires_grad: bool = False) -> None:
        self.held, self.place = real, place

    device = property(lambda self: self.place)
    is_cuda = property(lambda self: self.place.type == "cuda")

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"Pretend({self.held!r}, {self.place})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func}: a Pretend tensor outside of FakeDevice")


class FakeDevice(TorchDispatchMode):
    """Within it there is one GPU, ``kind`` "cuda" or "mps"; the latter has no 64-bit floats.

    Raises (where the code under test does it): RuntimeError for what a GPU refuses.
    """

    def __init__(self, kind: str = "cuda") -> None:
        super().__init__()
        self.kind, self.place = kind, torch.device(kind, 0)
        self.notes: list[Note] = []

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        for owner, name, value in self._patches():
            if hasattr(owner, name):
                self._stack.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, value)
        if hasattr(torch._C, "_ensureCUDADeviceGuardSet"):
            torch._C._ensureCUDADeviceGuardSet()
        future = torch.__future__
        before = future.get_overwrite_module_params_on_conversion()
        self._stack.callback(future.set_overwrite_module_params_on_conversion, before)
        future.set_overwrite_module_params_on_conversion(True)
        self._stack.enter_context(_Functions(self))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._stack.close()

    def _patches(self):
        cuda, cudas, place = torch.cuda, self.kind == "cuda", self.place

        class Generator(torch.Generator):
            """One of the CPU that says it is elsewhere."""

            def __new__(cls, device: Any = "cpu"):
                made = super().__new__(cls, device="cpu")
                made.place = torch.device("cpu") if torch.device(device).type == "cpu" else place
                return made

            device = property(lambda self: self.place)  # pyright: ignore

        yield torch, "Generator", Generator
        yield torch.accelerator, "synchronize", lambda device=None: self.note("wait", "synchronize")
        yield cuda, "is_available", lambda: cudas
        yield cuda, "device_count", lambda: int(cudas)
        yield cuda, "_lazy_init", lambda: None
        yield cuda, "synchronize", lambda device=None: self.note("wait", "synchronize")
        yield cuda, "is_current_stream_capturing", lambda: False
        yield cuda, "max_memory_allocated", lambda device=None: 123_000_000
        yield cuda, "reset_peak_memory_stats", lambda device=None: None
        yield torch.backends.mps, "is_available", functools.cache(lambda: not cudas)

    def note(self, kind: str, what: str) -> None:
        self.notes.append(Note(kind, what, where()))

    def refuse(self, what: str) -> None:
        raise RuntimeError(f"{what} at {where()}")

    def here(self, device: Any) -> bool:
        """Whether a device, or its name, is the pretended one."""
        named = isinstance(device, (str, torch.device)) and not isinstance(device, Tensor)
        return named and str(device).partition(":")[0] in (self.kind, "lazy")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device, name = kwargs.get("device"), func.overloadpacket.__name__
        mine = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Pretend)]
        arrives = self.here(device)
        if not mine and not arrives:
            return func(*args, **kwargs)
        leaves = device is not None and not arrives
        if name != "_to_copy":
            self._look(func, name, args, kwargs)
        elif bool(mine) == leaves and not kwargs.get("non_blocking"):
            self.note("copy", f"to {device}")
        plain = {k: v for k, v in kwargs.items() if k not in ("device", "pin_memory")}
        flat, spec = tree_flatten((args, plain))
        real = [_real(t) for t in flat]
        args_, kwargs_ = tree_unflatten(real, spec)
        if device is not None:
            kwargs_["device"] = torch.device("cpu")
        out = CONJUGATES.get(func, func)(*args_, **kwargs_)
        return out if leaves else self._wrapped(func, flat, real, out)

    def _look(self, func, name: str, args, kwargs) -> None:
        """Refuse what a GPU would refuse, note what it would wait for."""
        tensors = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        if name in WAITS:
            self.note("wait", name)
        if name in INDEXING:
            tensors = self._indexed(name, args, tensors)
        foreign = [t for t in tensors if not isinstance(t, Pretend)]
        if name == "copy_":
            return self.note("copy", name) if foreign else None
        pointwise = torch.Tag.pointwise in func.tags or name in ("where", "lift_fresh", "fill_")
        if any(t.dim() or not pointwise for t in foreign):
            self.refuse(f"{name}: some tensors are on cpu, some on {self.place}")
        return None

    def _indexed(self, name: str, args, tensors: list[Tensor]) -> list[Tensor]:
        """Less the indices, which may lie on the CPU (and are copied), as numbers may."""
        indices = [t for t in args[1] if isinstance(t, Tensor)]
        masks = [t for t in indices if t.dtype in (torch.bool, torch.uint8)]
        fills = name.startswith("index_put") and len(indices) == 1 and args[2].numel() == 1
        if masks and not fills:  # by nonzero
            self.note("wait", f"{name} by a mask")
        if not isinstance(args[0], Pretend) and any(isinstance(t, Pretend) for t in indices):
            self.refuse(f"{name}: indices on {self.place} into a tensor on cpu")
        if any(not isinstance(t, Pretend) for t in indices):
            self.note("copy", f"{name} by indices on the CPU")
        rest = [t for t in tensors if not any(t is i for i in indices)]
        return [t for t in rest if isinstance(t, Pretend) or t.dim()]

    def _wrapped(self, func, given: list, real: list, out):
        """The results, on the device; arguments that were changed in place as they are."""
        if torch.Tag.inplace_view in func.tags:
            raise NotImplementedError(f"{func} of a Pretend tensor")
        same = {id(b): a for a, b in zip(given, real, strict=True) if isinstance(a, Pretend)}

        def wrap(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            if self.kind == "mps" and value.dtype in (torch.float64, torch.complex128):
                self.refuse(f"{func}: mps has no {value.dtype}")
            return same[id(value)] if id(value) in same else Pretend(value, self.place)

        return tree_map(wrap, out)


class _Functions(TorchFunctionMode):
    """What Python decides before the dispatcher: constructors from data, generators, lists."""

    def __init__(self, owner: FakeDevice) -> None:
        super().__init__()
        self.owner = owner

    def __torch_function__(self, func, types, args=(), kwargs=None):
        owner, kwargs, name = self.owner, dict(kwargs or {}), getattr(func, "__name__", "")
        args = tuple(owner.place if owner.here(a) else a for a in args)
        if owner.here(kwargs.get("device")):
            kwargs["device"] = owner.place
        self._drawn(args, kwargs)
        if func in (torch.tensor, torch.as_tensor, torch.asarray):
            return self._made(func, args[0], args[1:], kwargs)
        if name == "pin_memory":
            return args[0]
        if not args or not isinstance(args[0], Pretend):
            return func(*args, **kwargs)
        first, rest = args[0], args[1:]
        match name:
            case "new_tensor":
                like = {"dtype": first.dtype, "device": first.device}
                return self._made(torch.tensor, rest[0], (), like | kwargs)
            case "tolist":
                owner.note("wait", name)
                return first.held.tolist()
            case "numpy" | "__array__":
                owner.refuse(f"a tensor on {owner.place} has no numpy array")
            case "__deepcopy__":
                memo = rest[0]
                copy = first.detach().clone().requires_grad_(first.requires_grad)
                return memo.setdefault(id(first), copy)
            case "__getitem__" | "__setitem__":
                return func(first, self._index(rest[0]), *rest[1:], **kwargs)
        return func(*args, **kwargs)

    def _drawn(self, args: tuple, kwargs: dict) -> None:
        """Refuse a generator of another device than what it draws."""
        if (generator := kwargs.get("generator")) is None:
            return
        first = next((a.device for a in args if isinstance(a, Tensor)), torch.device("cpu"))
        there = torch.device(kwargs.get("device") or first)
        if generator.device.type != there.type:
            self.owner.refuse(f"a generator on {generator.device} for a tensor on {there}")

    def _made(self, func, data: Any, rest: tuple, kwargs: dict) -> Any:
        device = kwargs.pop("device", None)
        if isinstance(data, Tensor):
            data = data.detach().clone() if func is torch.tensor else data
            return data.to(device=device or data.device, dtype=kwargs.get("dtype") or data.dtype)
        flat = tree_flatten(data)[0]
        if any(isinstance(value, Pretend) for value in flat):
            self.owner.note("wait", "a tensor from a list of tensors")
        made = func(tree_map(_real, data), *rest, **kwargs)
        return made if device is None else made.to(device)

    def _index(self, index: Any) -> Any:
        """A list among the indices becomes a tensor on the device, as in torch: a copy."""
        if isinstance(index, tuple):
            return tuple(map(self._index, index))
        return torch.tensor(index, device=self.owner.place) if isinstance(index, list) else index


def _real(value: Any) -> Any:
    return value.held if isinstance(value, Pretend) else value


def where(count: int = 3) -> str:
    """The innermost lines of ours that led here."""
    frame, found = sys._getframe(1), []
    while frame is not None and len(found) < count:
        name = frame.f_code.co_filename.removeprefix(ROOT)
        if name.startswith(("inverse/", "operators/")):
            found.append(f"{name}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(found)
