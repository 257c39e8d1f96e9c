"""Intervals: the jackknife's by hand, BCa against scipy's, and a small check that they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nas.ranking.correlation import spearman
from nas.ranking.interval import bootstrap_interval, jackknife_interval


def test_jackknife_written_out():
    rng = np.random.default_rng(3)
    x = rng.random(15)
    y = x + 0.4 * rng.random(15)
    z = [math.atanh(stats.spearmanr(np.delete(x, i), np.delete(y, i)).statistic) for i in range(15)]
    error = math.sqrt(14 / 15 * sum((value - sum(z) / 15) ** 2 for value in z))
    centre = math.atanh(stats.spearmanr(x, y).statistic)
    found = jackknife_interval(x, y)
    assert found.low == pytest.approx(math.tanh(centre - 1.959964 * error), abs=1e-6)
    assert found.high == pytest.approx(math.tanh(centre + 1.959964 * error), abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_order_is_not_certainty(sign: int):
    """n = 10: half a step below 1 is 1 - 6/990; the error there is the formula's."""
    x = np.arange(10.0)
    found = jackknife_interval(x, sign * x)
    limit = 1 - 6 / 990
    near = math.tanh(math.atanh(limit) - 1.959964 * math.sqrt((1 + limit**2 / 2) / 7))
    inner, outer = (found.low, found.high) if sign > 0 else (-found.high, -found.low)
    assert (inner, outer) == (pytest.approx(near, abs=1e-6), pytest.approx(1.0))
    assert 0.9 < inner < 0.98


def test_more_pairs_make_it_narrower():
    widths = []
    for n in (8, 32, 128):
        rng = np.random.default_rng(1)
        found = [jackknife_interval(x, x + rng.random(n)) for x in rng.random((20, n))]
        widths.append(np.mean([interval.high - interval.low for interval in found]))
    assert widths[0] > 1.6 * widths[1] > 2.5 * widths[2]


@pytest.mark.slow
def test_bca_is_scipys_up_to_the_draws():
    rng = np.random.default_rng(5)
    x = rng.random(40)
    y = x + 0.5 * rng.random(40)
    theirs = stats.bootstrap(
        (x, y),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1999,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = bootstrap_interval(x, y)
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)
    assert bootstrap_interval(x, y) == ours  # the seed is fixed


scores = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=30).filter(
    lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True))
)


@settings(max_examples=60, deadline=None)
@given(scores)
def test_any_scores_have_an_interval_around_their_rho(pairs):
    x, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    rho = spearman(x, y)
    jackknife = jackknife_interval(x, y)
    assert -1 <= jackknife.low <= rho <= jackknife.high <= 1
    assert rho in jackknife
    mirrored = jackknife_interval(x, -y)
    assert (mirrored.low, mirrored.high) == (pytest.approx(-jackknife.high), pytest.approx(-jackknife.low))
    bootstrap = bootstrap_interval(x, y)
    assert -1 <= bootstrap.low <= bootstrap.high <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "n"), [(0.0, 12), (0.8, 12), (0.8, 24), (0.95, 24)])
def test_the_interval_covers(rho: float, n: int):
    """300 normal samples, a small copy of benchmarks/interval_coverage.py: 95 +- 3 standard errors (1.3 %)."""
    r = 2 * math.sin(math.pi * rho / 6)
    rng = np.random.default_rng(n)
    x, noise = rng.standard_normal((2, 300, n))
    covered = [rho in jackknife_interval(a, r * a + math.sqrt(1 - r * r) * b) for a, b in zip(x, noise, strict=True)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)
