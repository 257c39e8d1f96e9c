"""How well each of several proxies orders as full scale does: the posterior of Spearman's rho, from a few full scores.

All architectures have scores of the proxies, and some of them a full-scale score. As normal scores of their ranks,
these are taken as normally distributed together. The full-scale scores are then a regression on the proxies' scores,
which can be drawn from without iteration (a monotone pattern of missing values): how proxies are related to each other
is learned from all architectures, and how full scale depends on them from those few.

Source:
    Little and Rubin, Statistical Analysis with Missing Data, 3rd edition, 7.4.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from scipy.special import ndtri

from nas.ranking.correlation import Floats

DRAWS = 1_000

BELIEF = 1.0
"""How many architectures what is believed beforehand of the proxies among themselves is worth."""

LOADING = 0.8
"""Root of the correlation that is believed beforehand of each two proxies."""

SLOPE = (0.75, 0.5)
"""Mean and deviation of what is believed beforehand of the costliest proxy's slope, where `RESIDUAL` is left."""

FURTHER = (0.15, 0.5, 1.5)
"""Deviations, equally likely beforehand, of the slopes of the other proxies, where `RESIDUAL` is left.

With the first, the costliest proxy has all that the others know of full scale, as a longer training often has. With the
last, each proxy knows something of its own. Which one it is, is learned: it decides how much each score tells."""

RESIDUAL = 0.36
"""Variance of full scale that is believed to be left by the proxies, worth one architecture."""

WEIGHT = 0.8
"""What an architecture counts: scores are not normal together, and with 1 intervals were too narrow on real ones."""

RELIABILITY = (0.95, 0.03)
"""Mean and standard deviation of what is believed of the correlation between two seeds at full scale."""


def draw_rho(cheap: Floats, full: Floats, rng: np.random.Generator) -> Floats:
    """Draw the rank correlation of each proxy with full-scale scores of infinitely many seeds.

    The proxies' scores are as they are, with the noise of the seeds that they have: a search has it, too.

    Args:
        cheap: Score of each architecture by each proxy, the costliest proxy last, (architectures, proxies).
        full: Full-scale scores, (architectures, seeds); NaN for those without. At least 4 have scores, and among these
            no proxy's scores are all equal. They may have been chosen by their scores of the costliest proxy, if they
            are spread over these.
        rng: Source of the draws.

    Returns:
        Spearman's rho, (draws, proxies).
    """
    proxies, have = cheap.shape[1], np.isfinite(full[:, 0])
    every = normal_scores(cheap)
    loadings = np.full(proxies, LOADING)
    belief = BELIEF * (np.outer(loadings, loadings) + np.diag(1 - loadings**2))
    covariance = inverse_wishart(belief + WEIGHT * every.T @ every, proxies + WEIGHT * len(every), rng)
    slopes, residual = _regress(normal_scores(cheap[have]), normal_scores(full[have].mean(axis=1)), rng)
    shared = np.einsum("dij,dj->di", covariance, slopes)
    variance = np.einsum("di,di->d", slopes, shared) + residual
    r = shared / np.sqrt(np.einsum("dii->di", covariance) * variance[:, None])
    reliability = _reliability(full[have], rng)
    rho: Floats = 6 / math.pi * np.arcsin(np.clip(r / np.sqrt(reliability)[:, None], -1, 1) / 2)
    return rho


def normal_scores(scores: Floats) -> Floats:
    """Return the normal scores of the ranks along the first axis, with mean 0 and deviation 1 (van der Waerden)."""
    scores = ndtri(stats.rankdata(scores, axis=0) / (len(scores) + 1))
    found: Floats = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    return found


def inverse_wishart(scale: Floats, freedom: float, rng: np.random.Generator) -> Floats:
    """Draw covariances, (draws, n, n), by Bartlett's decomposition; SciPy's draws are a loop in Python."""
    n = len(scale)
    root = np.tril(rng.standard_normal((DRAWS, n, n)), -1)
    root[:, range(n), range(n)] = np.sqrt(rng.chisquare(freedom - np.arange(n), (DRAWS, n)))
    precision = np.linalg.cholesky(np.linalg.inv(scale)) @ root
    drawn: Floats = np.linalg.inv(precision @ precision.transpose(0, 2, 1)).astype(np.float64, copy=False)
    return drawn


def _regress(x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the slopes of y on x, (draws, proxies), and the variance that they leave, (draws,).

    A mixture over `FURTHER` of conjugate regressions, each weighted by how well it predicts y.
    """
    mean, deviation = SLOPE
    centre = np.append(np.zeros(x.shape[1] - 1), mean)
    freedom = 1.0 + WEIGHT * (len(y) - 1)
    logs, inverses, fits, squares = [], [], [], []
    for further in FURTHER:
        wide = np.append(np.full(x.shape[1] - 1, further), deviation)
        precision = np.diag(RESIDUAL / wide**2)
        inverse = np.linalg.inv(precision + WEIGHT * x.T @ x)
        moment = precision @ centre + WEIGHT * x.T @ y
        inverses.append(np.linalg.cholesky(inverse))
        fits.append(inverse @ moment)
        squares.append(RESIDUAL + centre @ precision @ centre + WEIGHT * y @ y - moment @ fits[-1])
        logs.append(np.log(np.diag(inverses[-1]) / wide).sum() - freedom / 2 * math.log(squares[-1]))
    weights = np.exp(np.array(logs) - max(logs))
    which = rng.choice(len(FURTHER), DRAWS, p=weights / weights.sum())
    residual: Floats = np.array(squares)[which] / 2 / rng.gamma(freedom / 2, 1, DRAWS)
    noise = np.einsum("dij,dj->di", np.array(inverses)[which], rng.standard_normal((DRAWS, x.shape[1])))
    return np.array(fits)[which] + np.sqrt(residual)[:, None] * noise, residual


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
