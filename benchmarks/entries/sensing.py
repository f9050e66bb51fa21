"""Compressed sensing."""

import math
from types import ModuleType
from typing import Any

import torch
from scipy.linalg import hadamard
from torch import Tensor

from benchmarks.entries.entry import LAM, SHAPE, Entry, projected
from operators import DenseGaussian, WalshHadamard


def walsh_hadamard() -> Entry:
    """Two matrix products a transform, a multiplication by the signs, a selection."""
    ours = WalshHadamard(SHAPE, 0.25)
    matrix = torch.from_numpy(hadamard(SHAPE[1])).float() / SHAPE[1] ** 0.5
    solve = torch.full((SHAPE[1] * SHAPE[2],), 1 / LAM)
    solve[ours.rows] = 1 / (1 + LAM)
    solve = solve.view(*SHAPE[1:])

    def turn(x: Tensor) -> Tensor:
        return matrix @ x @ matrix

    def sense(x: Tensor) -> Tensor:
        return turn(x * ours.signs).flatten(2).index_select(2, ours.rows)

    def fill(y: Tensor) -> Tensor:
        whole = y.new_zeros(*y.shape[:2], SHAPE[1] * SHAPE[2]).index_copy_(2, ours.rows, y)
        return whole.view(-1, *SHAPE)

    def back(y: Tensor) -> Tensor:
        return turn(fill(y)) * ours.signs

    floor = {
        "forward": sense,
        "adjoint": back,
        "gram_solve": lambda b: turn(turn(b * ours.signs) * solve) * ours.signs,
        "prox": lambda x, y: x + back((y - sense(x)) / (1 + LAM)),
        "pinv": back,
    }

    def theirs(physics: ModuleType) -> dict[str, Any]:
        from deepinv.physics.singlepixel import hadamard_2d  # pyright: ignore[reportMissingImports]

        parts = {
            "V_adjoint": lambda x: hadamard_2d(x * ours.signs),
            "V": lambda z: hadamard_2d(z) * ours.signs,
            "mask": fill(torch.ones(1, 1, len(ours.rows)).expand(1, 3, -1)),
        }
        return {"DecomposablePhysics, hadamard_2d": physics.DecomposablePhysics(**parts)}

    return Entry(ours, floor, theirs, fill)


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
        other._A, other._A_adjoint, other._A_dagger = matrix, matrix.mT, pinv.mT
        return {"CompressedSensing": other}

    return Entry(DenseGaussian(shape, m), floor, theirs)
