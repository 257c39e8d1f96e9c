"""Random streams as functions of (seed, purpose, number), so that no generator has to be stored to resume."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

ORDER, AUGMENT, WEIGHTS, DROPOUT, PIPELINE = range(5)
"""Purposes of a seed; each has a random stream of its own."""


def generator(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """Make the random stream of a purpose; `number` is an epoch or a position in the endless stream of rows."""
    return np.random.default_rng((seed, purpose, number))


def torch_seed(seed: int, purpose: int, number: int = 0) -> int:
    """Make a seed for torch's generators; `number` is the rank where several processes train one model."""
    return int(generator(seed, purpose, number).integers(2**63 - 1))


@functools.lru_cache(maxsize=4)
def _epoch(seed: int, rows: int, epoch: int) -> NDArray[np.int64]:
    return generator(seed, ORDER, epoch).permutation(rows)


def rows_at(seed: int, rows: int, start: int, stop: int) -> NDArray[np.int64]:
    """Return rows `(stop - start,)` at positions of an endless stream of shuffles of all rows, one after another.

    A batch that reaches past the end of a shuffle continues in the next one: no row is left out, whatever the batch.
    """
    parts = [
        _epoch(seed, rows, epoch)[max(start - epoch * rows, 0) : stop - epoch * rows]
        for epoch in range(start // rows, -(-stop // rows))
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
