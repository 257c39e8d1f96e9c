"""Rank correlations of two score vectors, and of many reweighted copies of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats: TypeAlias = NDArray[np.float64]

_BLOCK = 2_000_000
"""Array elements of one block, so that thousands of architectures need no gigabytes."""


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rho of x and y, both (n,): Pearson's correlation of their ranks, ties at their mean rank."""
    return float(stats.spearmanr(x, y).statistic)


def kendall(x: Floats, y: Floats) -> float:
    """Kendall's tau-b (ties corrected) of x and y, both (n,)."""
    return float(stats.kendalltau(x, y, variant="b").statistic)


def reweighted_spearman(x: Floats, y: Floats, counts: Iterable[Floats]) -> Floats:
    """Spearman's rho of samples in which pair i occurs counts[b, i] times.

    A resample needs no sorting: its ranks come from cumulative counts in the order of the original.

    Args:
        x: Scores of one side, (n,).
        y: Scores of the other side, (n,).
        counts: Blocks of resamples (see `blocks`), each (b, n).

    Returns:
        Rho of each resample of all blocks together, (B,); nan where one side is constant.
    """
    sorted_x, sorted_y = _Sorted(x), _Sorted(y)
    return np.concatenate([_weighted_pearson(sorted_x.ranks(block), sorted_y.ranks(block), block) for block in counts])


def blocks(rows: int, n: int) -> list[range]:
    """Split the numbers 0 to rows - 1 into ranges, each short enough that an array (len(range), n) stays small."""
    step = max(1, _BLOCK // n)
    return [range(start, min(start + step, rows)) for start in range(0, rows, step)]


class _Sorted:
    """A vector of values (n,) sorted once: tied values form one group."""

    def __init__(self, values: Floats) -> None:
        _, self.group, sizes = np.unique(values, return_inverse=True, return_counts=True)
        self.order = np.argsort(self.group, kind="stable")
        self.starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))

    def ranks(self, counts: Floats) -> Floats:
        """Mean rank of each value, (b, n), when value i occurs counts[b, i] times."""
        totals = np.add.reduceat(counts[:, self.order], self.starts, axis=1)
        ranks: Floats = np.cumsum(totals, axis=1) - (totals - 1) / 2
        return ranks[:, self.group]


def _weighted_pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of each row of x and y, (b, n), under that row's weights; nan where x or y is constant."""
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    covariance = (weights * x * y).sum(axis=1)
    scale = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    rho = np.full(len(covariance), np.nan)
    np.divide(covariance, scale, out=rho, where=scale > 0)
    return rho.clip(-1.0, 1.0)
