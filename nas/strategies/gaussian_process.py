"""Gaussian process regression on similarities between points, with length scale and noise by marginal likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.special import log_ndtr

LENGTHS = (0.03, 0.06, 0.12, 0.25, 0.5, 1.0)
"""Dissimilarities at which the covariance of two points has fallen to 1/e, of which the likeliest is taken."""

NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)
"""Variances of the noise of a value, relative to the variance of the values behind it, likewise."""


@dataclass(frozen=True)
class Hyperparameters:
    """What is fitted to the data.

    Attributes:
        length: One of LENGTHS.
        noise: One of NOISES.
        variance: Of the process, in squared units of the values.
    """

    length: float
    noise: float
    variance: float

    def covariance(self, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariances of the process, relative to its variance, of points that are so similar (1: equal)."""
        found: NDArray[np.float64] = np.exp((similarities - 1) / self.length)
        return found


def fit(similarities: NDArray[np.float64], values: NDArray[np.float64]) -> Hyperparameters:
    """Find the length and noise of the largest marginal likelihood, each with the variance that is the likeliest there.

    Args:
        similarities: Of n points to each other (n, n), in [0, 1].
        values: Observed at the points (n,), with a mean of 0.

    Source:
        Rasmussen and Williams, "Gaussian Processes for Machine Learning", equation 5.8.
    """
    found: list[tuple[float, Hyperparameters]] = []
    for length in LENGTHS:
        eigenvalues, vectors = eigh(np.exp((similarities - 1) / length))
        squares = (vectors.T @ values) ** 2
        for noise in NOISES:
            spectrum = np.maximum(eigenvalues, 0) + noise
            variance = max(float(np.mean(squares / spectrum)), 1e-12)
            likelihood = -len(values) * np.log(variance) - np.log(spectrum).sum()
            found.append((float(likelihood), Hyperparameters(length, noise, variance)))
    return max(found, key=lambda pair: pair[0])[1]


def posterior(
    fitted: Hyperparameters,
    known: NDArray[np.float64],
    values: NDArray[np.float64],
    pending: int,
    asked: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute means and deviations of the process at points that are asked about.

    Points whose values are still to come are taken to get the mean that is expected there: they leave all means as
    they are, and make the deviations around them smaller.

    Args:
        fitted: By `fit`.
        known: Similarities of n observed points, then `pending` others, to each other (n + pending, n + pending).
        values: Of the observed points (n,).
        pending: Number of points without a value yet.
        asked: Similarities of the m points to the known ones (m, n + pending).

    Returns:
        Means and standard deviations, without the noise of a value (m,).

    Source:
        Rasmussen and Williams, algorithm 2.1; Ginsbourger et al., "Kriging Is Well-Suited to Parallelize
        Optimization", 2010 (values to come: "kriging believer").
    """
    covariance, cross = fitted.covariance(known), fitted.covariance(asked)
    factor = cholesky(covariance + fitted.noise * np.eye(len(known)), lower=True)
    # The factor of the observed points is the upper left part of the factor of all.
    observed = len(known) - pending
    part = factor[:observed, :observed]
    weights = solve_triangular(part.T, solve_triangular(part, values, lower=True))
    explained = (solve_triangular(factor, cross.T, lower=True) ** 2).sum(0)
    means: NDArray[np.float64] = cross[:, :observed] @ weights
    return means, np.sqrt(fitted.variance * np.maximum(1 - explained, 0))


def log_expected_improvement(
    means: NDArray[np.float64], deviations: NDArray[np.float64], best: float
) -> NDArray[np.float64]:
    """Compute the logarithm of the mean amount by which each point exceeds `best`, accurate also where that is tiny.

    Args:
        means: Of normally distributed values (m,).
        deviations: Their standard deviations (m,).
        best: The value to exceed.

    Source:
        Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization", NeurIPS 2023,
        section 4.1.
    """
    deviations = np.maximum(deviations, 1e-12)
    z = (means - best) / deviations
    log_density = -(z**2 + np.log(2 * np.pi)) / 2
    below, above = np.minimum(z, 0), np.maximum(z, 1e-300)
    # The mean of the part above zero is density + z * probability. Far below, the two terms cancel up to 1 / z^2.
    ratio = 1 + below * np.exp(log_ndtr(below) + (below**2 + np.log(2 * np.pi)) / 2)
    far = np.log(np.maximum(ratio, 0.5 / (1 + below**2)))
    near = np.logaddexp(log_density, np.log(above) + log_ndtr(z))
    found: NDArray[np.float64] = np.log(deviations) + np.where(z > 0, near, log_density + far)
    return found
