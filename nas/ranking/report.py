"""The whole answer about one proxy: correlation, its uncertainty, what it costs to trust it, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from nas.ranking.correlation import Floats, kendall, spearman
from nas.ranking.interval import Interval, bootstrap_interval, jackknife_interval
from nas.ranking.significance import PValue, permutation_test
from nas.ranking.top import TopOverlap, overlap, regret, winner_rank

Sampling = Literal["stratified", "top", "explicit", "all"]
"""How the architectures were chosen among those that have a proxy score."""

LEAST_PAIRS = 4
TRIED_FROM = 8
"""The interval's coverage was checked from this many pairs on."""

TOP_K = (1, 3, 5, 10)


class Pair(NamedTuple):
    """One architecture's two scores, higher is better; `label` (a trial's number) says whose."""

    proxy: float
    full: float
    label: int | str | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well proxy scores order architectures by their full-scale scores.

    Where there is no number (`spearman` is None, and so are its companions), `reason` says why. `interval` is the
    one to go by; `bootstrap` is the BCa bootstrap's, for comparison. `regret` is in units of the score.
    """

    n: int
    sampling: Sampling
    pairs: tuple[Pair, ...]
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
    pairs: Iterable[Pair | tuple[float, float]],
    sampling: Sampling = "stratified",
    seed: int = 0,
) -> Ranking:
    """The ranking of these pairs of (proxy, full-scale) scores. Same pairs and seed, same answer.

    ValueError when a score is nan or infinite.
    """
    found = tuple(Pair(*pair) for pair in pairs)
    scores = np.array([(pair.proxy, pair.full) for pair in found], dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers; leave out what has none")
    proxy, full = scores[:, 0].copy(), scores[:, 1].copy()
    reason = _no_number(proxy, full)
    if reason is not None:
        return Ranking(len(found), sampling, found, reason=reason, warnings=_warnings(len(found), sampling, None))
    interval = jackknife_interval(proxy, full)
    return Ranking(
        n=len(found),
        sampling=sampling,
        pairs=found,
        spearman=spearman(proxy, full),
        p_value=permutation_test(proxy, full, seed),
        interval=interval,
        bootstrap=bootstrap_interval(proxy, full, seed=seed),
        kendall=kendall(proxy, full),
        overlaps=tuple(overlap(proxy, full, k) for k in TOP_K if k < len(found)),
        regret=regret(proxy, full),
        winner_rank=winner_rank(proxy, full),
        warnings=_warnings(len(found), sampling, interval),
    )


def _no_number(proxy: Floats, full: Floats) -> str | None:
    if len(proxy) < LEAST_PAIRS:
        return f"{len(proxy)} architectures have both scores; a correlation needs at least {LEAST_PAIRS}"
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
        warnings.append(f"{n} pairs are few: the interval was tried from {TRIED_FROM} on.")
    return tuple(warnings)
