"""What a rank correlation does not say: whether the best are found."""

from __future__ import annotations

import numpy as np

from nas.ranking.correlation import Floats
from nas.results.association import TopOverlap


def overlap(proxy: Floats, full: Floats, k: int) -> TopOverlap:
    """Overlap of the k best of two score vectors.

    Where ties make the k best ambiguous, the result is the mean over all ways to break the ties, independently on both
    sides.

    Args:
        proxy: Proxy scores, (n,), higher is better.
        full: Full-scale scores of the same architectures, (n,).
        k: From 1 to n.
    """
    both = _chance_of_top(proxy, k) * _chance_of_top(full, k)
    return TopOverlap(k, float(both.sum()) / k, k / len(proxy))


def regret(proxy: Floats, full: Floats) -> float:
    """Full-scale score lost by choosing the proxy's best instead of the true best; the mean over ties of the proxy."""
    # The mean of equal scores may round to the other side of them.
    return max(0.0, float(full.max() - full[proxy == proxy.max()].mean()))


def winner_rank(proxy: Floats, full: Floats) -> float:
    """The proxy's rank of the best architecture at full scale: 1 is first, ties at their mean rank.

    Where several architectures tie as the best at full scale, the result is the mean over them. In the DPC paper (Chen
    et al., NeurIPS 2018) the rank was 12, of the 50 architectures that were measured at full scale.
    """
    winners = proxy[full == full.max()]
    return float(np.mean([np.sum(proxy > score) + (np.sum(proxy == score) + 1) / 2 for score in winners]))


def _chance_of_top(scores: Floats, k: int) -> Floats:
    """Probability of each architecture to be among the k best when ties are broken at random, (n,)."""
    threshold = np.sort(scores)[-k]
    above, tied = scores > threshold, scores == threshold
    share = float(k - above.sum()) / float(tied.sum())
    return np.where(above, 1.0, np.where(tied, share, 0.0))
