"""The whole answer: its numbers, its refusals, its warnings."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nas.ranking.report import rank
from nas.ranking.top import overlap, regret, winner_rank
from nas.results.association import TopOverlap


def some_pairs(n: int = 12, noise: float = 0.3) -> list[tuple[float, float]]:
    rng = np.random.default_rng(0)
    return [(x, x + noise * rng.random()) for x in rng.random(n).tolist()]


def test_the_answer_holds_everything():
    pairs = some_pairs()
    found = rank(pairs, sampling="stratified")
    proxy, full = zip(*pairs, strict=True)
    assert found.n == 12
    assert found.spearman == pytest.approx(stats.spearmanr(proxy, full).statistic)
    assert found.kendall == pytest.approx(stats.kendalltau(proxy, full).statistic)
    assert found.p_value is not None
    assert found.p_value.value < 0.01
    assert found.interval is not None
    assert found.spearman is not None
    assert found.spearman in found.interval
    assert found.interval.level == 0.95
    assert [item.k for item in found.overlaps] == [1, 3, 5, 10]
    assert found.regret == regret(np.array(proxy), np.array(full))
    assert (found.reason, found.warnings) == (None, ())
    assert rank(pairs, sampling="stratified") == found


@pytest.mark.parametrize("n", [0, 1, 3])
def test_fewer_than_four_pairs_give_a_reason_and_no_number(n: int):
    found = rank(some_pairs(n))
    have = "1 architecture has" if n == 1 else f"{n} architectures have"
    assert found.reason == f"{have} both scores; a correlation needs at least 4"
    assert (found.n, found.device_seconds) == (n, None)
    numbers = (found.spearman, found.kendall, found.p_value, found.interval, found.bootstrap, found.regret)
    assert numbers == (None,) * 6
    assert found.overlaps == ()


def test_constant_scores_give_a_reason_and_no_number():
    assert rank([(0.5, y / 10) for y in range(6)]).reason == "all proxy scores are equal, so they order nothing"
    assert rank([(x / 10, 0.5) for x in range(6)]).reason == "all full-scale scores are equal, so they order nothing"
    assert rank([(x / 10, 0.5) for x in range(6)]).spearman is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_are_finite(bad: float):
    with pytest.raises(ValueError, match="must be finite"):
        rank([*some_pairs(), (0.5, bad)])


def test_warnings():
    rng = np.random.default_rng(4)
    unrelated = [tuple(pair) for pair in rng.random((12, 2)).tolist()]
    assert any("includes 0" in warning for warning in rank(unrelated).warnings)
    assert any("range is restricted" in warning for warning in rank(some_pairs(), sampling="top").warnings)
    assert any("7 pairs are few" in warning for warning in rank(some_pairs(7)).warnings)
    assert rank(some_pairs(3), sampling="top").warnings[0].startswith("Only the proxy's best")


def test_overlap_by_hand():
    proxy, full = np.array([5.0, 4, 3, 2, 1]), np.array([4.0, 5, 1, 3, 2])
    assert overlap(proxy, full, 1) == TopOverlap(1, 0.0, 0.2)
    assert overlap(proxy, full, 2) == TopOverlap(2, 1.0, 0.4)
    three = overlap(proxy, full, 3)
    assert (three.k, three.fraction, three.chance) == (3, pytest.approx(2 / 3), 0.6)
    assert overlap(proxy, full, 5).fraction == 1.0


def test_overlap_with_ties_is_the_mean_over_ways_to_break_them():
    """Proxy's second place is one of two: one of them is in the other's top 2, so (1 + 1/2) / 2."""
    proxy, full = np.array([3.0, 2, 2, 1]), np.array([4.0, 3, 2, 1])
    assert overlap(proxy, full, 2).fraction == pytest.approx(0.75)


def test_regret_and_winner_by_hand():
    proxy, full = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.70, 0.75, 0.60, 0.74])
    assert regret(proxy, full) == pytest.approx(0.05)
    assert winner_rank(proxy, full) == 2
    tied = np.array([0.9, 0.9, 0.7, 0.9])
    assert regret(tied, full) == pytest.approx(0.75 - (0.70 + 0.75 + 0.74) / 3)
    assert winner_rank(tied, full) == 2  # the middle of places 1 to 3
    assert (regret(full, full), winner_rank(full, full)) == (0, 1)


numbers = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=0, max_size=25)


@settings(max_examples=40, deadline=None)
@given(numbers)
def test_any_scores_get_an_answer_and_order_is_all_that_counts(pairs):
    plain = [(x / 10, y / 10) for x, y in pairs]
    found = rank(plain)
    assert (found.spearman is None) == (found.reason is not None)
    stretched = rank([(np.exp(x), y**3) for x, y in plain])
    assert (stretched.spearman, stretched.p_value, stretched.reason) == (found.spearman, found.p_value, found.reason)
    assert stretched.interval == found.interval
    if found.spearman is not None:
        assert -1 <= found.spearman <= 1
        assert found.regret is not None
        assert found.regret >= 0
        assert all(0 <= item.fraction <= 1 + 1e-12 for item in found.overlaps)


def test_no_torch():
    subprocess.run([sys.executable, "-c", "import sys, nas.ranking; assert 'torch' not in sys.modules"], check=True)
