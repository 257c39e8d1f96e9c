"""Random integers whose sequence is the same on every machine and with every version of numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from nas.data.dataset import Uint8

T = TypeVar("T")


class Draws:
    """A source of random integers, computed from the raw 64-bit words of PCG64; equal keys give equal sequences.

    numpy guarantees the raw stream of a bit generator and of `SeedSequence` for good, but not the distributions that
    `Generator` derives from the stream (NEP 19); so the few distributions needed are computed here, in integers.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))
        self._words = self._refill()

    def below(self, bound: int) -> int:
        """Draw uniformly from [0, bound); the bias of the multiplication is under bound / 2^32."""
        return (next(self._words) >> 32) * bound >> 32

    def between(self, low: int, high: int) -> int:
        """Draw uniformly from [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def percent(self, chance: int) -> bool:
        """Draw True with a probability of `chance` percent."""
        return self.below(100) < chance

    def weighted(self, weights: Sequence[int]) -> int:
        """Draw an index with probability proportional to its weight."""
        rest = self.below(sum(weights))
        for index, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return index
        raise AssertionError("the draw is below the sum of the weights")

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return the values in random order (Fisher-Yates)."""
        shuffled = list(values)
        for last in range(len(shuffled) - 1, 0, -1):
            other = self.below(last + 1)
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled

    def noise(self, count: int) -> Uint8:
        """Draw `count` uniform bytes, the same ones on machines of any byte order."""
        words = self._bits.random_raw(-(-count // 8))
        return words.astype("<u8", copy=False).view(np.uint8)[:count]

    def _refill(self) -> Iterator[int]:
        while True:
            yield from self._bits.random_raw(128).tolist()
