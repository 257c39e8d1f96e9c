import math

import mpmath
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from nas.strategies.gaussian_process import LENGTHS, NOISES, fit, log_expected_improvement, posterior


def similarities(points, others=None):
    points, others = np.asarray(points, float), np.asarray(points if others is None else others, float)
    return np.exp(-((points[:, None] - others) ** 2))


def drawn(length, noise, count=80, seed=0):
    """Values of a process at points of a line."""
    points = np.linspace(0, 6, count)
    covariance = np.exp((similarities(points) - 1) / length) + noise * np.eye(count)
    values = multivariate_normal(cov=covariance, seed=seed).rvs()
    return similarities(points), values - values.mean()


def test_the_likeliest_hyperparameters_by_scipy_s_density():
    known, values = drawn(0.25, 0.1)
    found = fit(known, values)

    def likelihood(length: float, noise: float, variance: float) -> float:
        covariance = variance * (np.exp((known - 1) / length) + noise * np.eye(len(values)))
        return float(multivariate_normal(cov=covariance).logpdf(values))

    best = likelihood(found.length, found.noise, found.variance)
    others = [likelihood(length, noise, found.variance) for length in LENGTHS for noise in NOISES]
    assert best >= max(others) - 1e-6
    assert best >= likelihood(found.length, found.noise, 1.1 * found.variance)
    assert best >= likelihood(found.length, found.noise, 0.9 * found.variance)


@pytest.mark.parametrize(("length", "noise"), [(0.06, 0.03), (0.25, 0.3), (1.0, 0.1)])
def test_what_was_drawn_is_found_again(length, noise):
    found = [fit(*drawn(length, noise, seed=seed)) for seed in range(9)]
    places = [LENGTHS.index(each.length) for each in found], [NOISES.index(each.noise) for each in found]
    assert abs(float(np.median(places[0])) - LENGTHS.index(length)) <= 1
    assert abs(float(np.median(places[1])) - NOISES.index(noise)) <= 1


def test_the_posterior_is_the_normal_distribution_s_conditional():
    """Against the formulas with inverse matrices."""
    points, asked = [0.0, 0.4, 1.0, 2.5, 3.0], [0.1, 1.5, 9.0]
    fitted = fit(*drawn(0.25, 0.1))
    values = np.array([0.5, 0.2, -1.0])
    means, deviations = posterior(fitted, similarities(points), values, 2, similarities(asked, points))
    covariance = fitted.covariance(similarities(points)) + fitted.noise * np.eye(5)
    cross = fitted.covariance(similarities(asked, points))
    assert means == pytest.approx(cross[:, :3] @ np.linalg.inv(covariance[:3, :3]) @ values)
    spread = fitted.variance * (1 - np.diag(cross @ np.linalg.inv(covariance) @ cross.T))
    assert deviations == pytest.approx(np.sqrt(spread))
    # Expected values at the pending points, as if they had come, leave the means as they are.
    expected = posterior(fitted, similarities(points[:3]), values, 0, similarities(points[3:], points[:3]))[0]
    as_if = posterior(fitted, similarities(points), np.append(values, expected), 0, similarities(asked, points))
    assert as_if[0] == pytest.approx(means)


@pytest.mark.parametrize("z", [-800.0, -40.0, -8.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 4.0, 60.0])
def test_the_logarithm_of_the_expected_improvement(z):
    mpmath.mp.dps = 60
    exact = mpmath.log(2 * (mpmath.npdf(z) + z * mpmath.ncdf(z)))
    found = log_expected_improvement(np.array([1 + 2 * z]), np.array([2.0]), 1.0)[0]
    assert found == pytest.approx(float(exact), rel=1e-6, abs=1e-8)


def test_the_expected_improvement_of_draws():
    draws = norm(0.3, 0.5).rvs(1_000_000, random_state=0)
    found = log_expected_improvement(np.array([0.3]), np.array([0.5]), 0.7)[0]
    assert math.exp(found) == pytest.approx(np.maximum(draws - 0.7, 0).mean(), rel=0.01)
