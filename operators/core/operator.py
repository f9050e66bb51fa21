"""Forward models: `Operator`, any differentiable map of a batch of images."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]


def as_shape(owner: str, name: str, shape: Sequence[int], rank: int | None = None) -> Shape:
    """`shape` as a tuple of positive ints (of `rank` of them), or a ValueError naming the owner."""
    values = tuple(shape)
    whole = all(hasattr(n, "__index__") and int(n) > 0 for n in values)
    if not whole or not values or (rank is not None and len(values) != rank):
        what = "(C, H, W)" if rank == 3 else "one or more"
        raise ValueError(f"{owner}: {name} must be {what} positive integers, got {values}")
    return tuple(int(n) for n in values)


class Operator(nn.Module, ABC):
    """A forward model for batches, linear or not.

    `y = A(x)`: `(B, *in_shape) -> (B, *out_shape)`. A subclass writes `_forward` (and what it can
    do better than the defaults); the public methods check shape, dtype and device first, in Python
    only, so without touching the device. Tensors the operator needs are declared by `constant`.
    Operators hold no changing state.

    Raises:
        ValueError: naming the operator and the shapes, for an argument that does not fit.
    """

    anchor: Tensor  # empty; follows .to(), so it tells dtype and device
    batch: int | None = None  # set where the parameters are one per sample
    counts: int | Tensor | None = None  # set by `count`
    rounds: bool = False  # to levels, which vjp and jvp take no notice of
    dark: float = -1.0  # the value of y where there is no light
    reading: str = ""  # how the file that the parameters come from was read, set by `read_as`
    arranged: Callable[[Tensor], Tensor] | None = None  # as y is in that file -> y; by `read_as`

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int]) -> None:
        super().__init__()
        self.in_shape = as_shape(self.name, "in_shape", in_shape)
        self.out_shape = as_shape(self.name, "out_shape", out_shape)
        self.register_buffer("anchor", torch.empty(0, dtype=torch.float32), persistent=False)
        self._constants: dict[str, tuple[Tensor, bool]] = {}

    # --- what a subclass writes -------------------------------------------------------------
    @abstractmethod
    def _forward(self, x: Tensor, /) -> Tensor: ...

    def _vjp(self, x: Tensor, v: Tensor) -> Tensor:
        graph = torch.is_grad_enabled()
        with torch.enable_grad():
            x = x if graph and x.requires_grad else x.detach().requires_grad_()
            (grad,) = torch.autograd.grad(self._forward(x), x, v, create_graph=graph)
        return grad

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        with torch.enable_grad():  # vjp is linear in its second argument: J is its derivative
            u = x.new_zeros(x.shape[0], *self.out_shape).requires_grad_()
            (out,) = torch.autograd.grad(self._vjp(x.detach(), u), u, v)
        return out

    def constant(self, name: str, value: Tensor, per_sample: bool = False) -> None:
        """Keep `value` as `self.<name>` in the operator's own dtype and device.

        The given tensor (float64 or complex128 where it is not exact) stays behind as the
        master copy, so that `.to(torch.float64)` is exact and not a rounded float32. With
        `per_sample` its first axis runs over the samples of the batch.
        """
        self._constants[name] = (value.detach().clone(), per_sample)
        if per_sample:
            self.batch = value.shape[0]
        self._cast(name)

    def count(self, counts: Tensor) -> None:
        """Say how many values of y are measurements, (1,), or one per sample, (B,)."""
        if counts.shape[0] == 1:
            self.counts = int(counts)
        else:
            self.constant("counts", counts.double(), per_sample=True)

    def read_as(self, reading: str, arranged: Callable[[Tensor], Tensor] | None = None) -> Self:
        """Say how the file that the parameters come from was read, and how y is made of what
        such a file holds, `(*out_shape)`, where it is laid out in another way; returns it."""
        self.reading, self.arranged = reading, arranged
        return self

    def exact(self, name: str) -> Tensor:
        """A constant as it was given, in float64 (or complex128) on the CPU."""
        return self._constants[name][0]

    # --- public -----------------------------------------------------------------------------
    def forward(self, x: Tensor) -> Tensor:
        """A(x): `(B, *in_shape)` -> `(B, *out_shape)`."""
        self._check("x", x, self.in_shape)
        return self._forward(x)

    def vjp(self, x: Tensor, v: Tensor) -> Tensor:
        """The vector-Jacobian product `J^T v`, `J = dA/dx` at x.

        `(B, *in_shape), (B, *out_shape) -> (B, *in_shape)`.
        """
        self._check("x", x, self.in_shape)
        self._check("v", v, self.out_shape, x.shape[0])
        return self._vjp(x, v)

    def jvp(self, x: Tensor, v: Tensor) -> Tensor:
        """The Jacobian-vector product `J v`, `J = dA/dx` at x.

        `(B, *in_shape), (B, *in_shape) -> (B, *out_shape)`. J is the one whose transpose `vjp`
        applies: where that counts rounding as the identity, so does this, and
        `<J v, u> = <v, J^T u>`. No graph is kept.
        """
        self._check("x", x, self.in_shape)
        self._check("v", v, self.in_shape, x.shape[0])
        return self._jvp(x, v)

    def support(self, y: Tensor) -> Tensor:
        """y with zeros wherever A measures nothing; here every entry of y is a measurement."""
        return y

    def picture(self, y: Tensor) -> Tensor:
        """y to look at, (B, c, h, w) about in [-1, 1]: itself, or laid out as one row."""
        return y if y.ndim == 4 else y.flatten(1)[:, None, None]

    @property
    def measured(self) -> int | Tensor:
        """m, how many values of y are measurements: one int, or one per sample, shape (B,)."""
        return math.prod(self.out_shape) if self.counts is None else self.counts

    def select(self, rows: slice | Tensor) -> Self:
        """The operator for some samples (slice or indices): self unless it differs between them.

        Of a slice the tensors are views; indices may lie on the operator's device or on the CPU.
        """
        if self.batch is None:
            return self
        here, there = rows, rows  # of what lies on the CPU, and of what lies on our device
        if isinstance(rows, Tensor):
            here, there = rows.cpu(), rows.to(self.anchor.device)
        part = copy.copy(self)
        part.batch = len(torch.arange(self.batch)[here])
        part._buffers = dict(self._buffers)
        part._modules = {
            key: child.select(rows) if isinstance(child, Operator) else child
            for key, child in self._modules.items()
        }
        part._constants = {
            key: (value[here] if own else value, own)
            for key, (value, own) in self._constants.items()
        }
        part._take(there)
        return part

    @property
    def name(self) -> str:
        return type(self).__name__

    def describe(self) -> str:
        """One line: the shapes, and how a solve will be done."""
        return f"{self!r}: nonlinear, no solves"

    def __repr__(self) -> str:
        return f"{self.name}({self.in_shape} -> {self.out_shape})"

    def __matmul__(self, inner: Operator) -> Operator:
        """A @ B, in closed form where the two have one."""
        if not isinstance(inner, Operator):
            raise TypeError(f"{self!r} @ {inner!r}: both must be operators; apply one as A(x)")
        return self._after(inner)

    def _after(self, inner: Operator) -> Operator:
        return Chain(self, inner)

    # --- inside -----------------------------------------------------------------------------
    def _check(self, what: str, x: Tensor, shape: Shape, batch: int | None = None) -> None:
        want, own = batch if batch is not None else self.batch, self.anchor
        if (
            isinstance(x, Tensor)
            and x.shape[1:] == shape
            and x.ndim == len(shape) + 1
            and x.dtype == own.dtype
            and x.device == own.device
            and (want is None or x.shape[0] == want)
        ):
            return
        sizes = ", ".join(str(n) for n in ("B" if want is None else want, *shape))
        got = f"{tuple(x.shape)} {x.dtype} on {x.device}" if isinstance(x, Tensor) else type(x)
        raise ValueError(
            f"{self!r}: {what} must be ({sizes}) {own.dtype} on {own.device}, got {got}"
        )

    def _cast(self, name: str) -> None:
        value, own = self._constants[name][0], self.anchor
        if value.is_complex():
            value = value.to(own.device, own.dtype.to_complex())
        else:
            value = value.to(own.device, own.dtype if value.is_floating_point() else None)
        setattr(self, name, value)

    def _refresh(self) -> None:
        for name in self._constants:
            self._cast(name)

    def _take(self, rows: slice | Tensor) -> None:
        """Keep only some samples of what is one per sample and lies on the device."""
        for name, (_, own) in self._constants.items():
            if own:
                setattr(self, name, getattr(self, name)[rows])

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        before = self.anchor
        super()._apply(fn, recurse)
        if (before.dtype, before.device) != (self.anchor.dtype, self.anchor.device):
            self._refresh()
        return self


def agreed(name: str, *parts: Operator) -> int | None:
    """The batch that the parts of an operator called `name` share, None where none has its own.

    Raises:
        ValueError: where batch, dtype or device differ between them.
    """
    names = ", ".join(map(repr, parts))
    kinds = {(part.anchor.dtype, part.anchor.device) for part in parts}
    if len(kinds) > 1:
        raise ValueError(f"{name} of {names}: all must have one dtype and device: {kinds}")
    sizes = {part.batch for part in parts if part.batch is not None}
    if len(sizes) > 1:
        raise ValueError(f"{name} of {names}: parameters for batches of {sizes} do not mix")
    return sizes.pop() if sizes else None


def adopt(owner: Operator, **parts: Operator) -> None:
    """Hold the parts as submodules; take over their batch, dtype, device, `rounds` and `dark`.

    Raises:
        ValueError: where these differ between the parts.
    """
    batch = agreed(owner.name, *parts.values())
    for name, part in parts.items():
        owner.add_module(name, part)
    owner.batch, owner.rounds = batch, any(part.rounds for part in parts.values())
    owner.dark = max(part.dark for part in parts.values())
    owner.anchor = next(iter(parts.values())).anchor.clone()
    owner._refresh()


def chained(outer: Operator, inner: Operator) -> tuple[Shape, Shape]:
    if outer.in_shape != inner.out_shape:
        raise ValueError(
            f"{outer!r} @ {inner!r}: the right one's output {inner.out_shape} is not the left "
            f"one's input {outer.in_shape}"
        )
    return inner.in_shape, outer.out_shape


class Wrapped:
    """An operator around others: its part `outermost` says which entries of y are measurements."""

    outermost = "outer"

    def support(self, y: Tensor) -> Tensor:
        return getattr(self, self.outermost).support(y)

    @property
    def measured(self) -> int | Tensor:
        return getattr(self, self.outermost).measured


class Chain(Wrapped, Operator):
    """One operator after another, `A(B(x))`, where one of the two is nonlinear."""

    outer: Operator
    inner: Operator

    def __init__(self, outer: Operator, inner: Operator) -> None:
        super().__init__(*chained(outer, inner))
        adopt(self, outer=outer, inner=inner)

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer._forward(self.inner._forward(x))

    def _vjp(self, x: Tensor, v: Tensor) -> Tensor:
        return self.inner._vjp(x, self.outer._vjp(self.inner._forward(x), v))

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        return self.outer._jvp(self.inner._forward(x), self.inner._jvp(x, v))

    def picture(self, y: Tensor) -> Tensor:
        return self.outer.picture(y)
