"""Which row a step sees: a function of (seed, position), so that nothing has to be stored to resume."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

ORDER, AUGMENT, WEIGHTS, DROPOUT = range(4)
"""Purposes that one seed serves; each has a random stream of its own."""


def generator(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """The random stream of a purpose; `number` tells apart epochs or positions."""
    return np.random.default_rng((seed, purpose, number))


def torch_seed(seed: int, purpose: int, number: int = 0) -> int:
    """A seed for torch's generators; `number` tells apart processes that train one model."""
    return int(generator(seed, purpose, number).integers(2**63 - 1))


@functools.lru_cache(maxsize=4)
def _epoch(seed: int, rows: int, epoch: int) -> NDArray[np.int64]:
    return generator(seed, ORDER, epoch).permutation(rows)


def rows_at(seed: int, rows: int, start: int, stop: int) -> NDArray[np.int64]:
    """Rows at the positions start..stop-1 of the endless stream: one shuffle of all rows after another, (stop-start,).

    A batch that reaches over the end of a shuffle goes on in the next: no row is left out, whatever the batch.
    """
    parts = [
        _epoch(seed, rows, epoch)[max(start - epoch * rows, 0) : stop - epoch * rows]
        for epoch in range(start // rows, -(-stop // rows))
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
