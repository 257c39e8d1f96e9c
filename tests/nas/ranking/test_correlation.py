"""Rho and tau against hand-computed cases, scipy, and resamples written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nas.ranking import correlation as module
from nas.ranking.correlation import blocks, kendall, reweighted_spearman, spearman


def test_rho_by_hand():
    """Ranks 1 2 3 4 5 against 2 1 4 3 5: differences 1 1 1 1 0, rho = 1 - 6 * 4 / (5 * 24) = 0.8."""
    x, y = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.25, 0.2, 0.6, 0.3, 0.9])
    assert spearman(x, y) == pytest.approx(0.8)
    assert spearman(x, -y) == pytest.approx(-0.8)


def test_rho_with_ties_by_hand():
    """Ranks 1.5 1.5 3 4 against 1 2 3 4: covariance sum 4.5, variance sums 4.5 and 5, rho = 4.5 / sqrt(22.5)."""
    assert spearman(np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(4.5 / 22.5**0.5)


def test_tau_by_hand():
    """Ten pairs, two of them discordant: (8 - 2) / 10. With one tie on one side: 5 / sqrt(6 * 5)."""
    assert kendall(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])) == pytest.approx(0.6)
    assert kendall(np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(5 / 30**0.5)


values = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=12)


@settings(max_examples=60, deadline=None)
@given(values, st.randoms(use_true_random=False))
def test_a_resample_has_the_rho_that_scipy_gives_it_written_out(pairs, random):
    x, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    n = len(x)
    draws = [[random.randrange(n) for _ in range(n)] for _ in range(5)]
    counts = np.array([np.bincount(draw, minlength=n) for draw in draws], dtype=float)
    for rho, draw in zip(reweighted_spearman(x, y, [counts]), draws, strict=True):
        if len(set(x[draw])) == 1 or len(set(y[draw])) == 1:
            assert np.isnan(rho)
        else:
            assert rho == pytest.approx(stats.spearmanr(x[draw], y[draw]).statistic, abs=1e-12)


def test_leaving_one_out_is_a_resample_too():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (2, 15)).astype(float)
    found = reweighted_spearman(x, y, [1.0 - np.eye(15)])
    assert found == pytest.approx([spearman(np.delete(x, i), np.delete(y, i)) for i in range(15)])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(1)
    x, y = rng.random((2, 10))
    counts = rng.multinomial(10, np.full(10, 0.1), 25).astype(float)
    whole = reweighted_spearman(x, y, [counts])
    monkeypatch.setattr(module, "_BLOCK", 70)
    parts = blocks(25, 10)
    assert [len(part) for part in parts] == [7, 7, 7, 4]
    assert np.array_equal(reweighted_spearman(x, y, (counts[part.start : part.stop] for part in parts)), whole)
