"""Random integers whose sequence is the same on every machine and with every numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from nas.data.dataset import Uint8

T = TypeVar("T")


class Draws:
    """Integers from PCG64's raw 64-bit words.

    numpy promises the raw stream of a bit generator and of `SeedSequence` for good, but not what `Generator` makes
    of it (NEP 19); so the few distributions needed are made here, in integers.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))
        self._words = self._refill()

    def below(self, bound: int) -> int:
        """Uniform in [0, bound); the bias of the multiplication is under bound / 2^32."""
        return (next(self._words) >> 32) * bound >> 32

    def between(self, low: int, high: int) -> int:
        """Uniform in [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def percent(self, chance: int) -> bool:
        """True in `chance` of 100 draws."""
        return self.below(100) < chance

    def weighted(self, weights: Sequence[int]) -> int:
        """An index, with probability proportional to its weight."""
        at = self.below(sum(weights))
        for index, weight in enumerate(weights):
            at -= weight
            if at < 0:
                return index
        raise AssertionError("weights add up to what was drawn from")

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in random order (Fisher-Yates)."""
        order = list(values)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def noise(self, count: int) -> Uint8:
        """`count` uniform bytes, little-endian whatever the machine."""
        words = self._bits.random_raw(-(-count // 8))
        return words.astype("<u8", copy=False).view(np.uint8)[:count]

    def _refill(self) -> Iterator[int]:
        while True:
            yield from self._bits.random_raw(128).tolist()
