"""All that is reported about one proxy: correlation, uncertainty, the cost of trusting the proxy, and warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from nas.formatting import counted
from nas.ranking.correlation import Floats, kendall, spearman
from nas.ranking.interval import bootstrap_interval, jackknife_interval
from nas.ranking.significance import permutation_test
from nas.ranking.top import overlap, regret, winner_rank
from nas.results.association import Interval, PValue, TopOverlap

Sampling = Literal["stratified", "top", "explicit", "all"]
"""How the architectures were chosen among those that have a proxy score."""

LEAST_PAIRS = 4
TRIED_FROM = 8
"""The coverage of the interval was measured from this number of pairs on."""

TOP_K = (1, 3, 5, 10)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well proxy scores order architectures by their full-scale scores.

    Attributes:
        n: Number of pairs.
        sampling: How the architectures of the pairs were chosen.
        device_seconds: Mean cost of the proxy score for one architecture; None where it is not known.
        spearman: Spearman's rho; None where no correlation can be computed, and then so are all further statistics.
        p_value: Of the hypothesis that rho is 0, two-sided.
        interval: Jackknife interval of rho, on which decisions rest.
        bootstrap: BCa bootstrap interval of rho, for comparison.
        kendall: Kendall's tau-b.
        overlaps: For each of `TOP_K` below n, how many of the k best the proxy finds.
        regret: Full-scale score lost by choosing the proxy's best architecture, in units of the score.
        winner_rank: The proxy's rank of the best architecture at full scale; 1 is first.
        reason: Why `spearman` is None.
        warnings: Sentences for the reader of the ranking.
    """

    n: int
    sampling: Sampling
    device_seconds: float | None
    spearman: float | None = None
    p_value: PValue | None = None
    interval: Interval | None = None
    bootstrap: Interval | None = None
    kendall: float | None = None
    overlaps: tuple[TopOverlap, ...] = ()
    regret: float | None = None
    winner_rank: float | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()


def rank(
    pairs: Iterable[tuple[float, float]],
    sampling: Sampling = "stratified",
    device_seconds: float | None = None,
    seed: int = 0,
) -> Ranking:
    """Compute every statistic of a ranking; the same pairs and seed give the same result.

    Args:
        pairs: (proxy, full-scale) scores of distinct architectures, higher is better.
        sampling: How the architectures were chosen.
        device_seconds: Mean cost of the proxy score for one architecture, where it is known.
        seed: Of the permutation test and the bootstrap.

    Raises:
        ValueError: A score is nan or infinite.
    """
    return replace(_rank(tuple(pairs), sampling, seed), device_seconds=device_seconds)


# Pages ask for the same ranking every two seconds; resampling takes far longer than reading the pairs.
@lru_cache(maxsize=256)
def _rank(pairs: tuple[tuple[float, float], ...], sampling: Sampling, seed: int) -> Ranking:
    scores = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers; leave out architectures that have none")
    n, proxy, full = len(scores), scores[:, 0].copy(), scores[:, 1].copy()
    reason = _no_number(proxy, full)
    if reason is not None:
        return Ranking(n, sampling, None, reason=reason, warnings=_warnings(n, sampling, None))
    interval = jackknife_interval(proxy, full)
    return Ranking(
        n=n,
        sampling=sampling,
        device_seconds=None,
        spearman=spearman(proxy, full),
        p_value=permutation_test(proxy, full, seed),
        interval=interval,
        bootstrap=bootstrap_interval(proxy, full, seed=seed),
        kendall=kendall(proxy, full),
        overlaps=tuple(overlap(proxy, full, k) for k in TOP_K if k < n),
        regret=regret(proxy, full),
        winner_rank=winner_rank(proxy, full),
        warnings=_warnings(n, sampling, interval),
    )


def _no_number(proxy: Floats, full: Floats) -> str | None:
    if len(proxy) < LEAST_PAIRS:
        both = counted(len(proxy), "architecture has", "architectures have")
        return f"{both} both scores; a correlation needs at least {LEAST_PAIRS}"
    for name, scores in (("proxy", proxy), ("full-scale", full)):
        if (scores == scores[0]).all():
            return f"all {name} scores are equal, so they order nothing"
    return None


def _warnings(n: int, sampling: Sampling, interval: Interval | None) -> tuple[str, ...]:
    warnings = []
    if interval is not None and 0.0 in interval:
        warnings.append("The interval includes 0: these pairs do not show that the proxy orders at all.")
    if sampling == "top":
        warnings.append(
            "Only the proxy's best were measured: their range is restricted, so rho is lower than over all "
            "architectures. A stratified sample hardly has that bias."
        )
    if interval is not None and n < TRIED_FROM:
        warnings.append(f"{n} pairs are few: the interval's coverage was measured from {TRIED_FROM} on.")
    return tuple(warnings)
