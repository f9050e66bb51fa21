"""Seeds for streams that must not coincide: measurement noise, samples, images."""

import zlib

import numpy as np


def seed_for(*keys: int | str) -> int:
    """A 63-bit seed that depends on every key; different keys give independent streams.

    The same small number used raw for a mask, its noise and a sampler would make all three draw
    the same random numbers, and so correlate the noise with the mask.

    Reference: numpy.random.SeedSequence (O'Neill's seed_seq hashing).
    """
    words = [k if isinstance(k, int) else zlib.crc32(k.encode()) for k in keys]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0]) >> 1
