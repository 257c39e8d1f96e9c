"""Posterior of a population of true scores: recovered from many scores, cautious with few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nas.ranking.population import Populations, populations, seed_deviation, shrunk

DRAWS = 1000


def drawn(n: int, spread: float, noise: float, shape: float = 0.0, seed: int = 0) -> np.ndarray:
    """Scores (n, 2) of a population with mean 0.5."""
    rng = np.random.default_rng(seed)
    one = Populations(np.zeros(1), np.ones(1), np.full(1, shape), np.zeros(1))
    true = 0.5 + spread * one.standard(rng, n)[0]
    return true[:, None] + noise * rng.standard_normal((n, 2))


def at(noise: float) -> np.ndarray:
    return np.full(DRAWS, noise)


def test_the_deviation_over_seeds_is_pooled():
    assert seed_deviation(np.array([[0.1, 0.3], [0.5, 0.5]])) == pytest.approx(0.1)


@pytest.mark.parametrize("shape", [-0.9, 0.0])
def test_standard_architectures_have_mean_0_and_deviation_1(shape):
    found = drawn(200_000, 1.0, 0.0, shape)[:, 0] - 0.5
    assert found.mean() == pytest.approx(0, abs=0.01)
    assert found.std() == pytest.approx(1, abs=0.01)
    assert stats.skew(found) == pytest.approx(
        float(stats.skewnorm.stats(shape / np.sqrt(1 - shape**2), moments="s")), abs=0.03
    )


@pytest.mark.parametrize("shape", [-0.95, 0.0])
def test_many_scores_give_the_population_away_without_its_noise(shape):
    scores = drawn(400, 0.05, 0.03, shape)
    found = populations(scores, at(0.03), np.random.default_rng(0))
    assert found.mean.mean() == pytest.approx(0.5, abs=0.01)
    assert found.spread.mean() == pytest.approx(0.05, rel=0.2)
    assert (found.shape.mean() < -0.85) == (shape < -0.85), "a shape of -0.85 is hardly skew yet"
    assert len(found.mean) == DRAWS


def test_noise_alone_is_no_spread():
    noisy = populations(drawn(18, 0.0, 0.04), at(0.04), np.random.default_rng(0))
    spread = populations(drawn(18, 0.08, 0.04), at(0.04), np.random.default_rng(0))
    assert np.median(noisy.spread) < 0.03, "the deviation of 18 means of two seeds is 0.028 without any spread"
    assert np.median(spread.spread) == pytest.approx(0.08, rel=0.4)


def test_how_bad_the_worst_are_changes_nothing():
    scores = drawn(18, 0.05, 0.02)
    worse = scores.copy()
    worse[np.argsort(scores.mean(axis=1))[:6]] -= 0.3
    one, other = (populations(of, at(0.02), np.random.default_rng(0)) for of in (scores, worse))
    np.testing.assert_array_equal(one.spread, other.spread)
    np.testing.assert_array_equal(one.mean, other.mean)


def test_the_posterior_of_the_spread_holds_in_80_percent_of_samples():
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(100):
        spread = rng.uniform(0.02, 0.1)
        found = populations(drawn(18, spread, 0.03, -0.5, seed), at(0.03), rng).spread
        low, high = np.quantile(found, [0.1, 0.9])
        inside += low <= spread <= high
    assert 68 <= inside <= 92, "80 of 100, within three binomial deviations"


def test_the_best_of_noisy_scores_flatters_and_its_draws_do_not():
    rng = np.random.default_rng(0)
    shown, expected, best = [], [], []
    for _ in range(200):
        true = rng.normal(0.5, 0.02, 6)
        scores = true[:, None] + 0.04 * rng.standard_normal((6, 2))
        draws = shrunk(scores, at(0.04), rng)
        shown.append(scores.mean(axis=1).max())
        expected.append(draws.max(axis=1).mean())
        best.append(true.max())
    assert np.mean(shown) - np.mean(best) > 0.01
    assert np.mean(expected) - np.mean(best) == pytest.approx(0, abs=0.006)


def test_scores_without_noise_are_not_shrunk():
    scores = np.array([[0.2, 0.2], [0.6, 0.6], [0.9, 0.9]])
    np.testing.assert_allclose(shrunk(scores, at(1e-6), np.random.default_rng(0)).mean(axis=0), scores[:, 0], atol=1e-5)


def test_a_single_architecture_has_nothing_to_be_drawn_towards():
    found = shrunk(np.array([[0.4, 0.6]]), at(0.2), np.random.default_rng(0))
    assert found.mean() == pytest.approx(0.5, abs=0.02)
    assert found.std() == pytest.approx(0.2 / np.sqrt(2), rel=0.1)
