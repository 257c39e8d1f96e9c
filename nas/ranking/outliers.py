"""Which architectures are ordered worst: those whose two ranks differ most."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 4
"""Outliers that are named, at most."""


def outliers(ranks: Sequence[tuple[float, float]]) -> list[int]:
    """Choose the pairs whose two ranks differ by at least 2 and a quarter of the number of pairs.

    Args:
        ranks: Rank by the proxy and at full scale of each pair; 1 is best.

    Returns:
        The places of the pairs in `ranks`, at most `MOST`, the largest difference first.
    """

    def difference(place: int) -> float:
        return abs(ranks[place][0] - ranks[place][1])

    far = [place for place in range(len(ranks)) if difference(place) >= max(2.0, len(ranks) / 4)]
    return sorted(far, key=difference, reverse=True)[:MOST]
