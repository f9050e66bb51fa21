"""Compressed sensing."""

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import scipy.fft
import torch
from scipy.linalg import hadamard
from torch import Tensor

from benchmarks.entries.entry import LAM, SHAPE, Entry, Map, projected
from operators import DCT, DenseGaussian, WalshHadamard, block_sensing


def fill(rows: Tensor, y: Tensor) -> Tensor:
    """y in its places among all coefficients, zeros elsewhere."""
    whole = y.new_zeros(*y.shape[:2], SHAPE[1] * SHAPE[2]).index_copy_(2, rows, y)
    return whole.view(-1, *SHAPE)


def sampled(rows: Tensor, turn: Map, back: Map) -> dict[str, Callable[..., Tensor]]:
    """The floor of some rows of an orthonormal transform `turn` with inverse `back`."""
    solve = torch.full((SHAPE[1] * SHAPE[2],), 1 / LAM)
    solve[rows] = 1 / (1 + LAM)
    solve = solve.view(*SHAPE[1:])

    def sense(x: Tensor) -> Tensor:
        return turn(x).flatten(2).index_select(2, rows)

    def spread(y: Tensor) -> Tensor:
        return back(fill(rows, y))

    return {
        "forward": sense,
        "adjoint": spread,
        "gram_solve": lambda b: back(turn(b) * solve),
        "prox": lambda x, y: x + spread((y - sense(x)) / (1 + LAM)),
        "pinv": spread,
    }


def dct() -> Entry:
    """Two matrix products a transform and a selection."""
    ours = DCT(SHAPE, 0.25)
    matrix = torch.from_numpy(scipy.fft.dct(np.eye(SHAPE[1]), axis=0, norm="ortho")).float()
    floor = sampled(ours.rows, lambda x: matrix @ x @ matrix.mT, lambda z: matrix.mT @ z @ matrix)
    return Entry(ours, floor)


def block() -> Entry:
    """The blocks copied into columns and one product with orthonormal rows; solves with two."""
    ours, side = block_sensing(SHAPE, 0.25, 32), 32
    matrix, sides = ours.matrix.clone(), (SHAPE[1] // side, side, SHAPE[2] // side, side)

    def sense(x: Tensor) -> Tensor:
        cut = x.view(-1, SHAPE[0], *sides).transpose(3, 4).reshape(-1, side**2)
        return (cut @ matrix.mT).view(-1, *ours.out_shape)

    def back(y: Tensor) -> Tensor:
        whole = (y @ matrix).view(*y.shape[:4], side, side)
        return whole.transpose(3, 4).reshape(-1, *SHAPE)

    floor = {
        "forward": sense,
        "adjoint": back,
        "gram_solve": projected(sense, lambda x, z: x + back(z), 1.0),
        "prox": lambda x, y: x + back((y - sense(x)) / (1 + LAM)),
        "pinv": back,
    }
    return Entry(ours, floor)


def walsh_hadamard() -> Entry:
    """Two matrix products a transform, a multiplication by the signs, a selection."""
    ours = WalshHadamard(SHAPE, 0.25)
    matrix = torch.from_numpy(hadamard(SHAPE[1])).float() / SHAPE[1] ** 0.5
    floor = sampled(
        ours.rows,
        lambda x: matrix @ (x * ours.signs) @ matrix,
        lambda z: matrix @ z @ matrix * ours.signs,
    )

    def theirs(physics: ModuleType) -> dict[str, Any]:
        from deepinv.physics.singlepixel import hadamard_2d  # pyright: ignore[reportMissingImports]

        parts = {
            "V_adjoint": lambda x: hadamard_2d(x * ours.signs),
            "V": lambda z: hadamard_2d(z) * ours.signs,
            "mask": fill(ours.rows, torch.ones(1, 1, len(ours.rows)).expand(1, 3, -1)),
        }
        return {"DecomposablePhysics, hadamard_2d": physics.DecomposablePhysics(**parts)}

    return Entry(ours, floor, theirs, partial(fill, ours.rows))


def dense_gaussian() -> Entry:
    """One matrix product a product; the solves two, through the singular vectors."""
    shape, m = (3, 64, 64), 512
    n, double = math.prod(shape), torch.float64
    exact = torch.randn(m, n, generator=torch.Generator().manual_seed(0), dtype=double) / m**0.5
    s2, left = torch.linalg.eigh(exact @ exact.mT)
    matrix, right = exact.float(), (left.mT @ exact / s2.sqrt()[:, None]).float()
    pinv, both = (((left / d) @ left.mT @ exact).float() for d in (s2, s2 + LAM))
    s2 = s2.float()

    def forward(x: Tensor) -> Tensor:
        return x.flatten(1) @ matrix.mT

    floor = {
        "forward": forward,
        "adjoint": lambda y: (y @ matrix).view(-1, *shape),
        "gram_solve": projected(
            lambda b: b.flatten(1) @ right.mT,
            lambda x, z: x + (z @ right).view_as(x),
            s2,
        ),
        "prox": lambda x, y: x + ((y - forward(x)) @ both).view_as(x),
        "pinv": lambda y: (y @ pinv).view(-1, *shape),
    }

    def theirs(physics: ModuleType) -> dict[str, Any]:
        other = physics.CompressedSensing(m, shape)
        own = matrix.clone()  # with the floor's it would find 25 MB in the cache, and we would not
        other._A, other._A_adjoint, other._A_dagger = own, own.mT, pinv.clone().mT
        return {"CompressedSensing": other}

    return Entry(DenseGaussian(shape, m), floor, theirs)
