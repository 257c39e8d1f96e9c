"""A calibration that stops when it knows: which proxies order as full scale does, decided as architectures come in.

Every architecture of a calibration has cheap scores; only a part of them has a full-scale score. The scores, as normal
scores of their ranks, are taken as normally distributed together. What is known of a proxy's correlation with full
scale is then a distribution that can be drawn from without iteration (a monotone pattern of missing values). It uses
architectures without a full-scale score too, since they tell how the proxies are related to each other.

Source:
    Little and Rubin, Statistical Analysis with Missing Data, 3rd edition, 7.4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from scipy.special import ndtri

from nas.ranking.correlation import Floats, spearman
from nas.ranking.report import LEAST_PAIRS
from nas.results.judged import Judged

DRAWS = 1_000

BELIEF = 1.0
"""How many architectures what is believed beforehand is worth."""

LOADING = 0.8
"""Correlation with full scale that is believed of every proxy beforehand."""

RELIABILITY = (0.95, 0.03)
"""Mean and standard deviation of what is believed of the correlation between two seeds at full scale."""


LIKELY = 0.8
"""Probability from which on a proxy that is still open at the end is recommended, where none is above."""


@dataclass(frozen=True)
class Rule:
    """When a calibration looks, and when it is sure.

    Attributes:
        wanted: The rho that a proxy must have.
        most: Most architectures with a full-scale score.
        first: Architectures with a full-scale score at the first look.
        step: How many more there are at each further look.
        cheap: Architectures with scores of the proxies for each one with a full-scale score.
        sure: Probability from which on a proxy is above or below.
    """

    wanted: float = 0.8
    most: int = 12
    first: int = 6
    step: int = 2
    cheap: int = 4
    sure: float = 0.95

    def looks(self) -> list[int]:
        """Number of architectures with a full-scale score at each look, ascending; the last one is `most`."""
        return [*range(self.first, self.most, self.step), self.most]


@dataclass(frozen=True)
class Course:
    """Where a sequential calibration stands.

    Attributes:
        judged: The proxies that have been judged, the cheapest first.
        recommended: The cheapest proxy that is above; it may change until the end. Where none is at the end, the
            cheapest open one that is above with a probability of at least `LIKELY`.
        over: Whether nothing more is to be measured.
        wanted: The proxies to measure until the next look; none when it is over.
        looks: Number of looks that have been taken.
        full: Architectures with a full-scale score that the next look waits for; at the end those of the last look.
    """

    judged: Mapping[str, Judged]
    recommended: str | None
    over: bool
    wanted: tuple[str, ...]
    looks: int
    full: int


def follow(order: Sequence[str], cheap: Mapping[str, Floats], full: Floats, rule: Rule) -> Course:
    """Take every look for which there are scores. The same scores give the same looks, so nothing is remembered.

    A proxy that is above or below is not measured any more, and neither are those that cost more than one that is
    above. The cheapest one that is above goes on while cheaper ones are open: it tells most about them.

    Args:
        order: All proxies, the cheapest first.
        cheap: Of each proxy the scores of the leading architectures whose trials have ended, (architectures,); NaN for
            a trial that failed.
        full: Full-scale scores of the leading architectures whose trials have all ended, (architectures, seeds); NaN
            likewise.
        rule: When to look, and when to be sure.
    """
    judged: dict[str, Judged] = {}
    wanted, looks = tuple(order), rule.looks()
    for number, count in enumerate(looks):
        width = count * rule.cheap
        if len(full) < count or any(len(cheap[name]) < width for name in wanted):
            return Course(judged, _above(judged), False, wanted, number, count)
        found = _look({name: cheap[name][:width] for name in wanted}, full[:count], rule, number)
        known = {name: of for name, of in judged.items() if of.state != "open"}
        judged = {name: {**judged, **found, **known}[name] for name in order if name in judged or name in found}
        wanted = _go_on(order, judged)
        if not wanted:
            break
    likely = next((name for name, of in judged.items() if of.state == "open" and of.above >= LIKELY), None)
    return Course(judged, _above(judged) or likely, True, (), number + 1, count)


def _go_on(order: Sequence[str], judged: dict[str, Judged]) -> tuple[str, ...]:
    """Close the proxies that are not needed any more, and return those to go on with."""
    above = _above(judged)
    cheaper = order if above is None else order[: order.index(above)]
    for name, of in judged.items():
        if name not in cheaper and of.state == "open":
            judged[name] = replace(of, state="not needed")
    left = tuple(name for name in cheaper if name not in judged or judged[name].state == "open")
    return (*left, above) if left and above is not None else left


def _above(judged: Mapping[str, Judged]) -> str | None:
    return next((name for name, of in judged.items() if of.state == "above"), None)


def _look(cheap: Mapping[str, Floats], full: Floats, rule: Rule, seed: int) -> dict[str, Judged]:
    """Judge each proxy of `cheap` but those of which half of the trials failed.

    None is judged where too few architectures have all scores, or one side is constant.
    """
    cheap = {name: own for name, own in cheap.items() if 2 * np.isfinite(own).sum() > len(own)}
    if not cheap:
        return {}
    scores = np.column_stack(list(cheap.values()))
    complete = np.isfinite(scores).all(axis=1)
    at_full = np.full((len(scores), full.shape[1]), np.nan)
    at_full[: len(full)] = full
    at_full[~np.isfinite(at_full).all(axis=1)] = np.nan
    scores, at_full = scores[complete], at_full[complete]
    seen = np.isfinite(at_full[:, 0])
    means = at_full[seen].mean(axis=1)
    if seen.sum() < LEAST_PAIRS or any(len(set(side)) == 1 for side in (means, *scores[seen].T)):
        return {}
    drawn = draw_rho(scores, at_full, np.random.default_rng(seed))
    found = {}
    for name, own, rho in zip(cheap, scores.T, drawn.T, strict=True):
        above = float(np.mean(rho >= rule.wanted))
        low, high = np.quantile(rho, [1 - rule.sure, rule.sure])
        found[name] = Judged(
            state="above" if above >= rule.sure else "below" if above <= 1 - rule.sure else "open",
            observed=spearman(own[seen], means),
            corrected=float(rho.mean()),
            low=float(low),
            high=float(high),
            above=above,
            architectures=len(scores),
            full=int(seen.sum()),
        )
    return found


def draw_rho(cheap: Floats, full: Floats, rng: np.random.Generator) -> Floats:
    """Draw the rank correlation of each proxy with full-scale scores of infinitely many seeds.

    The proxies' scores are as they are, with the noise of the seeds that they have: a search has it, too.

    Args:
        cheap: Score of each architecture by each proxy, the costliest proxy last, (architectures, proxies).
        full: Full-scale scores, (architectures, seeds); NaN for those without, of which at least 4 have scores.
        rng: Source of the draws.

    Returns:
        Spearman's rho, (draws, proxies).
    """
    proxies, have = cheap.shape[1], np.isfinite(full[:, 0])
    seen = int(have.sum())
    x = _normal_scores(cheap)
    measured = x[have] - x[have].mean(axis=0)
    # The values of the last proxy in the order of full scale: their spread is known from all architectures.
    y = np.sort(measured[:, -1])[stats.rankdata(full[have].mean(axis=1), "ordinal").astype(int) - 1]
    reliability = _reliability(full[have], rng)
    loadings = np.append(np.full(proxies, LOADING), math.sqrt(float(reliability.mean())))
    belief = BELIEF * (np.outer(loadings, loadings) + np.diag(1 - loadings**2))
    freedom = proxies + 1 + BELIEF
    covariance = _inverse_wishart(belief[:-1, :-1] + x.T @ x, freedom - 1 + len(x) - 1, rng)
    slopes, residual = _regress(measured, y, belief, freedom + seen - 1, rng)
    shared = np.einsum("dij,dj->di", covariance, slopes)
    variance = np.einsum("di,di->d", slopes, shared) + residual
    r = shared / np.sqrt(np.einsum("dii->di", covariance) * variance[:, None])
    rho: Floats = 6 / math.pi * np.arcsin(np.clip(r / np.sqrt(reliability)[:, None], -1, 1) / 2)
    return rho


def _inverse_wishart(scale: Floats, freedom: float, rng: np.random.Generator) -> Floats:
    """Draw covariances, (draws, n, n), by Bartlett's decomposition; SciPy's draws are a loop in Python."""
    n = len(scale)
    root = np.tril(rng.standard_normal((DRAWS, n, n)), -1)
    root[:, range(n), range(n)] = np.sqrt(rng.chisquare(freedom - np.arange(n), (DRAWS, n)))
    precision = np.linalg.cholesky(np.linalg.inv(scale)) @ root
    drawn: Floats = np.linalg.inv(precision @ precision.transpose(0, 2, 1)).astype(np.float64, copy=False)
    return drawn


def _regress(x: Floats, y: Floats, belief: Floats, freedom: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the slopes of y on x, (draws, proxies), and the variance that they leave, (draws,)."""
    inverse = np.linalg.inv(belief[:-1, :-1] + x.T @ x)
    moment = belief[:-1, -1] + x.T @ y
    slope = inverse @ moment
    residual = (belief[-1, -1] + y @ y - moment @ slope) / 2 / rng.gamma(freedom / 2, 1, DRAWS)
    noise = rng.standard_normal((DRAWS, len(slope))) @ np.linalg.cholesky(inverse).T
    return slope + np.sqrt(residual)[:, None] * noise, residual


def _normal_scores(scores: Floats) -> Floats:
    """Normal scores of the ranks in each column, with mean 0 and deviation 1 (van der Waerden)."""
    scores = ndtri(stats.rankdata(scores, axis=0) / (len(scores) + 1))
    found: Floats = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    return found


def _reliability(full: Floats, rng: np.random.Generator) -> Floats:
    """Draw the reliability of the mean full-scale score, (draws,): what is believed, and what several seeds tell."""
    seen, seeds = full.shape
    mean, deviation = RELIABILITY
    size = mean * (1 - mean) / deviation**2 - 1
    grid = (np.arange(200) + 0.5) / 200
    logs = stats.beta.logpdf(grid, mean * size, (1 - mean) * size)
    if seeds > 1:
        between = seeds * full.mean(axis=1).var(ddof=1)
        within = full.var(axis=1, ddof=1).mean()
        # The ratio of the two, over what it would be at a reliability, has Fisher's distribution.
        ratio = between / max(within, 1e-12) / (1 + seeds * grid / (1 - grid))
        logs += stats.f.logpdf(ratio, seen - 1, seen * (seeds - 1)) - np.log1p(seeds * grid / (1 - grid))
    weights = np.exp(logs - logs.max())
    one = rng.choice(grid, DRAWS, p=weights / weights.sum())
    found: Floats = seeds * one / (1 + (seeds - 1) * one)
    return found
