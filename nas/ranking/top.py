"""What a rank correlation does not say: whether the best are found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas.ranking.correlation import Floats


@dataclass(frozen=True, slots=True)
class TopOverlap:
    """Of the `k` best by proxy, the fraction that is among the `k` best at full scale; `chance` is that of a guess."""

    k: int
    fraction: float
    chance: float


def overlap(proxy: Floats, full: Floats, k: int) -> TopOverlap:
    """Overlap of the k best of two score vectors (n,), higher is better, 1 <= k <= n.

    Where ties make the k best ambiguous, the mean over all ways to break them, independently on both sides.
    """
    both = _chance_of_top(proxy, k) * _chance_of_top(full, k)
    return TopOverlap(k, float(both.sum()) / k, k / len(proxy))


def regret(proxy: Floats, full: Floats) -> float:
    """Full-scale score lost by taking the proxy's best instead of the best; the mean where the proxy's best tie."""
    return float(full.max() - full[proxy == proxy.max()].mean())


def winner_rank(proxy: Floats, full: Floats) -> float:
    """Where the proxy ranks the best at full scale: 1 is first, ties at their mean rank, the mean over tied winners.

    In the DPC paper it was 12 (of the 50 that were measured at full scale).
    """
    winners = proxy[full == full.max()]
    return float(np.mean([np.sum(proxy > score) + (np.sum(proxy == score) + 1) / 2 for score in winners]))


def _chance_of_top(scores: Floats, k: int) -> Floats:
    """Probability of each to be among the k best when ties are broken at random, (n,)."""
    threshold = np.sort(scores)[-k]
    above, tied = scores > threshold, scores == threshold
    share = float(k - above.sum()) / float(tied.sum())
    return np.where(above, 1.0, np.where(tied, share, 0.0))
