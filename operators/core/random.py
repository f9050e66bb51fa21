"""Seeded randomness, one stream per sample."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor


class Rng:
    """One `torch.Generator` per sample, so that sample b is a function of its own seed alone.

    A sample's stream depends neither on its neighbours nor on the batch size: a batch of B draws
    equals B batches of one, joined. Streams of different kinds of device (cpu, cuda) differ.
    0 is a seed like any other. Draws are of `dtype` where none is given, float32 unless `of`
    another.

    Raises:
        ValueError: for no seeds or a negative one.
        TypeError: for a seed that is no int.
    """

    dtype = torch.float32
    _rows = 1  # consecutive rows that each stream feeds

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        seeds = list(seeds)
        if not seeds:
            raise ValueError("Rng: at least one seed is needed, one per sample; got none")
        for seed in seeds:
            if isinstance(seed, bool) or not hasattr(seed, "__index__"):
                raise TypeError(f"Rng: seeds must be integers, got {seed!r}")
            if int(seed) < 0:
                raise ValueError(f"Rng: seeds must be 0 or more, got {seed}")
        self.device = torch.empty(0, device=device).device  # with its number
        self._generators = [
            torch.Generator(device=self.device).manual_seed(int(seed)) for seed in seeds
        ]

    def __len__(self) -> int:
        return len(self._generators) * self._rows

    def __repr__(self) -> str:
        return f"Rng({len(self)} samples, {self.device})"

    def __getitem__(self, rows: slice) -> Rng:
        """The streams of some samples: shared with this Rng, not copied (may be empty)."""
        if not isinstance(rows, slice):
            raise TypeError(f"Rng: index with a slice such as rng[i:i+1], got {rows!r}")
        if self._rows != 1:
            raise TypeError(f"Rng: streams of {self._rows} rows each cannot be sliced")
        part = copy.copy(self)
        part._generators = self._generators[rows]
        return part

    def each(self, count: int) -> Self:
        """The same streams, each feeding `count` consecutive rows: `count` times as many rows.

        For a group of particles per sample: its draws depend on no other group. Shared, not copied.

        Raises:
            ValueError: for a count below 1.
        """
        if count < 1:
            raise ValueError(f"Rng: each needs a count of at least 1, got {count}")
        part = copy.copy(self)
        part._rows = self._rows * count
        return part

    def of(self, dtype: torch.dtype) -> Self:
        """The same streams, whose draws are of `dtype` where none is given. Shared, not copied."""
        part = copy.copy(self)
        part.dtype = dtype
        return part

    def fork(self, purpose: str) -> Self:
        """New streams for another purpose, each seeded by a number drawn from its own here.

        They share no draw with these, nor with what other streams of the same seeds draw.
        """
        part = copy.copy(self)
        seeds = [
            seed_for(purpose, int(torch.randint(2**62, (), generator=g, device=self.device)))
            for g in self._generators
        ]
        part._generators = [torch.Generator(self.device).manual_seed(seed) for seed in seeds]
        return part

    def normal(self, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
        """Independent N(0, 1) draws of `shape` = (B, ...), row b from stream b; B = len(self)."""
        out = self._empty(shape, dtype)
        for rows, generator in zip(self._groups(out), self._generators, strict=True):
            rows.normal_(generator=generator)
        return out

    def uniform(self, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
        """Independent draws, uniform on [0, 1), of `shape` = (B, ...), row b from stream b."""
        out = self._empty(shape, dtype)
        for rows, generator in zip(self._groups(out), self._generators, strict=True):
            rows.uniform_(generator=generator)
        return out

    def poisson(self, rate: Tensor) -> Tensor:
        """Independent Poisson draws with means `rate` >= 0, shape (B, ...), row b from stream b."""
        out = self._empty(rate.shape, rate.dtype)
        pairs = zip(self._groups(out), self._groups(rate), strict=True)
        for (rows, mean), generator in zip(pairs, self._generators, strict=True):
            rows.copy_(torch.poisson(mean, generator=generator))
        return out

    def state(self) -> list[Tensor]:
        """Where each stream stands, one byte tensor per sample, to be given to `restore`."""
        return [generator.get_state() for generator in self._generators]

    def restore(self, state: Sequence[Tensor]) -> None:
        """Put every stream back to where `state()` found it.

        Raises:
            ValueError: on a wrong count.
        """
        if len(state) != len(self._generators):
            count = len(self._generators)
            raise ValueError(f"Rng: {count} streams cannot take {len(state)} states")
        for generator, saved in zip(self._generators, state, strict=True):
            generator.set_state(saved)

    def _groups(self, out: Tensor) -> tuple[Tensor, ...]:
        return out.unflatten(0, (len(self._generators), self._rows)).unbind(0)

    def _empty(self, shape: Sequence[int], dtype: torch.dtype | None) -> Tensor:
        shape = tuple(shape)
        if not shape or shape[0] != len(self):
            raise ValueError(
                f"Rng: shape must start with the batch size {len(self)} (one seed per sample), "
                f"got {shape}"
            )
        return torch.empty(shape, dtype=dtype or self.dtype, device=self.device)


def seed_for(*keys: int | str) -> int:
    """A 63-bit seed that depends on every key; different keys give independent streams.

    The same small number used raw for a mask, its noise and a sampler would make all three draw
    the same random numbers, and so correlate the noise with the mask.

    Reference: numpy.random.SeedSequence (O'Neill's seed_seq hashing).
    """
    words = [k if isinstance(k, int) else zlib.crc32(k.encode()) for k in keys]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0]) >> 1
