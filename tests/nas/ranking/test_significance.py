"""Permutation tests against counting by hand, scipy's own permutations, and their promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from nas.ranking.correlation import spearman
from nas.ranking.significance import permutation_test


def test_exact_by_hand():
    """Of the 24 orders of four, two are perfect: p = 2/24. One swap of neighbours (rho 0.8): 8/24."""
    x = np.arange(4.0)
    perfect = permutation_test(x, x)
    assert (perfect.value, perfect.method) == (pytest.approx(2 / 24), "exact permutation")
    assert permutation_test(x, np.array([1.0, 0, 2, 3])).value == pytest.approx(8 / 24)


def test_published_critical_value():
    """n = 8, two-sided 5 %: the tabled critical value is 0.738 (Zar, Biostatistical Analysis, table B.20)."""
    x = np.arange(8.0)
    values = {}
    for y in itertools.islice(itertools.permutations(range(8)), 0, 40_320, 97):
        values[round(spearman(x, np.array(y, dtype=float)), 3)] = y
    at, below = (permutation_test(x, np.array(values[rho], dtype=float)).value for rho in (0.738, 0.714))
    assert at <= 0.05 < below


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 5, 6])
def test_exact_with_ties_is_scipys_exact(n: int):
    rng = np.random.default_rng(n)
    for _ in range(3):
        x, y = rng.integers(0, 4, (2, n)).astype(float)
        x[0], x[1], y[0], y[1] = 0, 3, 3, 0
        theirs = stats.permutation_test(
            (x,),
            lambda a, y=y: stats.spearmanr(a, y).statistic,
            permutation_type="pairings",
            n_resamples=np.inf,
            vectorized=False,
        )
        tail = np.abs(theirs.null_distribution) >= abs(theirs.statistic) - 1e-9
        assert permutation_test(x, y).value == pytest.approx(tail.mean())


@pytest.mark.parametrize("n", [9, 30, 200])
def test_sampled_agrees_with_student(n: int):
    rng = np.random.default_rng(n)
    x = rng.random(n)
    y = x + rng.random(n) * (1.2 * n**0.5)
    sampled = permutation_test(x, y)
    assert sampled.method == "sampled permutation"
    assert sampled.value == pytest.approx(stats.spearmanr(x, y).pvalue, abs=0.015)
    assert permutation_test(x, y) == sampled  # the seed is fixed


def test_sampled_is_never_zero():
    x = np.arange(50.0)
    assert permutation_test(x, x).value == 1 / 20_000


def test_beyond_200_student():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 201))
    found = permutation_test(x, y)
    assert (found.value, found.method) == (pytest.approx(stats.spearmanr(x, y).pvalue), "Student's t")


@pytest.mark.slow
def test_under_no_association_p_is_uniform():
    rng = np.random.default_rng(7)
    p = np.array([permutation_test(*rng.random((2, 7))).value for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=3 * (level * (1 - level) / 400) ** 0.5)
