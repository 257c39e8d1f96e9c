"""The spread of true scores in a space of architectures, from a few noisy scores: its posterior distribution.

The true scores are a skew-normal population: most spaces have many architectures close to a ceiling and a tail of bad
ones. A skew-normal variable plus normal noise is skew-normal again, so the likelihood needs no integral.

Source:
    Azzalini, Scandinavian Journal of Statistics, 1985.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import log_ndtr, owens_t

from nas.ranking.correlation import Floats

PROPOSALS = 20_000
"""Parameters that are weighted by their likelihood."""

SKEWNESS = (-0.95, 0.1)
"""Range of the skewness, evenly distributed beforehand: from a hard ceiling to a normal population and little beyond.

Mean IoU has a ceiling, so the tail of bad architectures is the longer one in most spaces."""

UNSEEN = 1 / 3
"""Share of the architectures, the worst, of which only the number counts: how bad they are says nothing of the best."""

_MEAN = math.sqrt(2 / math.pi)


@dataclass(frozen=True)
class Populations:
    """Draws from the posterior of a population of true scores.

    Attributes:
        mean: Of the true scores of each draw, (draws,).
        spread: Standard deviation of the true scores, (draws,).
        shape: delta in (-1, 1): negative for a tail of low scores, 0 for a normal population, (draws,).
        noise: Standard deviation of a score over seeds, (draws,).
    """

    mean: Floats
    spread: Floats
    shape: Floats
    noise: Floats

    @property
    def reliability(self) -> Floats:
        """Correlation between the scores of two seeds, (draws,)."""
        found: Floats = self.spread**2 / (self.spread**2 + self.noise**2)
        return found

    def standard(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw `count` architectures of each population, as deviations from its mean in units of its spread.

        Returns:
            (draws, count).
        """
        shape = self.shape[:, None]
        half, normal = rng.standard_normal((2, len(self.shape), count))
        values = shape * np.abs(half) + np.sqrt(1 - shape**2) * normal
        standard: Floats = (values - shape * _MEAN) / np.sqrt(1 - (shape * _MEAN) ** 2)
        return standard


def seed_deviation(scores: Floats) -> float:
    """Return the standard deviation of a score over seeds, pooled over architectures.

    Args:
        scores: (architectures, seeds), with at least two seeds.
    """
    return float(np.sqrt(scores.var(axis=1, ddof=1).mean()))


def populations(scores: Floats, noise: Floats, rng: np.random.Generator) -> Populations:
    """Draw populations from which the architectures may have been drawn at random.

    Mean and spread are evenly distributed beforehand, the skewness over `SKEWNESS`.

    Args:
        scores: Of random architectures, (architectures, seeds), at least 6 of them.
        noise: Draws from the posterior of the standard deviation over seeds, (draws,).
        rng: Source of the draws.
    """
    n, seeds = scores.shape
    means = np.sort(scores.mean(axis=1))
    unseen = int(UNSEEN * n)
    seen = means[unseen:]
    centre = float(np.median(means))
    # The upper two thirds of a normal population have 0.6 of its deviation.
    reach = max(float(seen.std(ddof=1)) / 0.6, float(noise.mean()) / math.sqrt(seeds))
    offset = stats.t.rvs(4, size=PROPOSALS, random_state=rng)
    proposed = Populations(
        mean=centre + 0.6 * reach * offset,
        spread=rng.uniform(0, 3 * reach, PROPOSALS),
        shape=_shape(rng.uniform(*SKEWNESS, PROPOSALS)),
        noise=rng.choice(noise, PROPOSALS),
    )
    logs = _log_likelihood(seen, unseen, proposed, seeds) - stats.t.logpdf(offset, 4)
    weights = np.exp(logs - logs.max())
    chosen = _resample(weights / weights.sum(), len(noise), rng)
    return Populations(proposed.mean[chosen], proposed.spread[chosen], proposed.shape[chosen], proposed.noise[chosen])


def _shape(skewness: Floats) -> Floats:
    """Return the shape of skew-normal populations with such a skewness, of which the largest is 0.995."""
    part = np.abs(skewness) ** (2 / 3)
    shape: Floats = np.sign(skewness) * np.sqrt(math.pi / 2 * part / (part + ((4 - math.pi) / 2) ** (2 / 3)))
    return shape


def _log_likelihood(seen: Floats, unseen: int, of: Populations, seeds: int) -> Floats:
    """Log-likelihood of each population, (draws,).

    Args:
        seen: Mean scores of architectures over `seeds` seeds, ascending.
        unseen: Number of further architectures, of which is known that they are below the lowest of `seen`.
        of: The populations.
        seeds: Number of seeds.
    """
    scale = of.spread / np.sqrt(1 - (of.shape * _MEAN) ** 2)
    location = of.mean - scale * of.shape * _MEAN
    total = np.sqrt(scale**2 + of.noise**2 / seeds)
    slant = scale * of.shape / total
    slant /= np.sqrt(1 - slant**2)
    z = (seen[:, None] - location) / total
    density = math.log(2) - 0.5 * z**2 - 0.5 * math.log(2 * math.pi) - np.log(total) + log_ndtr(slant * z)
    logs: Floats = density.sum(axis=0)
    if unseen:
        below = stats.norm.cdf(z[0]) - 2 * owens_t(z[0], slant)
        logs += unseen * np.log(np.maximum(below, 1e-300))
    return logs


def _resample(weights: Floats, count: int, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Draw `count` places by their weights, systematically, in random order."""
    points = (rng.random() + np.arange(count)) / count
    places = np.searchsorted(np.cumsum(weights), points).clip(max=len(weights) - 1)
    return rng.permutation(places)


def shrunk(scores: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    """Draw the true scores of given architectures, each drawn towards their common mean as far as noise explains.

    The best of several noisy scores flatters; the draws do not, since they know how far the scores can be trusted.

    Args:
        scores: (architectures, seeds).
        noise: Draws from the posterior of the standard deviation over seeds, (draws,).
        rng: Source of the draws.

    Returns:
        (draws, architectures).

    Source:
        Gelman et al., Bayesian Data Analysis, 5.4: a normal hierarchy, evenly distributed beforehand.
    """
    n, seeds = scores.shape
    means = scores.mean(axis=1)
    error = noise[:, None] / math.sqrt(seeds)
    if n == 1:
        alone: Floats = means + error * rng.standard_normal((len(noise), 1))
        return alone
    reach = max(float(means.std(ddof=1)), float(error.mean()))
    grid = np.linspace(0, 4 * reach, 60)
    variance = grid**2 + error**2
    squares = float(((means - means.mean()) ** 2).sum())
    logs = -0.5 * (n - 1) * np.log(variance) - 0.5 * squares / variance
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    cumulated = np.cumsum(weights, axis=1)
    place = (cumulated < rng.random((len(noise), 1)) * cumulated[:, -1:]).sum(axis=1)
    between = grid[place][:, None] ** 2
    centre = means.mean() + np.sqrt((between + error**2) / n) * rng.standard_normal((len(noise), 1))
    share = between / (between + error**2)
    drawn: Floats = centre + share * (means - centre) + np.sqrt(share) * error * rng.standard_normal((len(noise), n))
    return drawn
