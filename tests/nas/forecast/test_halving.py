"""Expected numbers of trials at the rungs, against the formula for one rung and against simulations."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.forecast import expected_at_rungs
from nas.strategies import SuccessiveHalving


def test_without_early_stopping_all_go_on():
    assert expected_at_rungs(7, 3, None) == (7.0, 7.0, 7.0)


def test_the_first_trials_by_hand():
    # The first goes on; the second beats it half of the time.
    assert expected_at_rungs(1, 3, 3.0) == (1.0, 1.0, 1.0)
    two = expected_at_rungs(2, 2, 3.0)
    assert two[0] == 2.0
    assert two[1] == pytest.approx(1.5, abs=0.02)
    # With reduction 2 the third meets the median of two uniform scores, their mean: again one in two.
    assert expected_at_rungs(3, 2, 2.0)[1] == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize(("trials", "reduction"), [(12, 3.0), (100, 3.0), (100, 2.0), (50, 1.5), (1000, 4.0)])
def test_the_second_rung_is_the_sum_of_the_chances_to_pass(trials, reduction):
    q = 1 - 1 / reduction
    chances = [1.0, *(1 - (1 + q * (n - 1)) / (n + 1) for n in range(1, trials))]
    assert expected_at_rungs(trials, 2, reduction)[1] == pytest.approx(math.fsum(chances), rel=0.03)


@pytest.mark.parametrize(("trials", "reduction"), [(20, 3.0), (100, 3.0), (100, 2.0), (200, 4.0)])
def test_a_simulation_with_rungs_that_nearly_agree(trials, reduction):
    """Normal scores that correlate at 0.9 * 0.9 from rung to rung. The expectation is right for the second rung (4 %),
    and up to 12 % too high for the third, where disagreement stops more.
    """
    reached = _simulated(trials, 3, reduction, 0.9)
    expected = expected_at_rungs(trials, 3, reduction)
    assert expected[1] == pytest.approx(reached[1], rel=0.04)
    assert -0.04 < expected[2] / reached[2] - 1 < 0.12


def test_beyond_what_is_simulated_the_rate_is_one_over_the_reduction():
    thousand, million = expected_at_rungs(1000, 3, 3.0), expected_at_rungs(1_000_000, 3, 3.0)
    assert [b - a for a, b in zip(thousand, million, strict=True)] == pytest.approx([999_000, 333_000, 111_000])


@settings(max_examples=20)
@given(st.integers(1, 60), st.integers(1, 4), st.floats(1.1, 10))
def test_never_more_than_before_and_at_least_one(trials, rungs, reduction):
    found = expected_at_rungs(trials, rungs, reduction)
    assert found[0] == trials
    assert sorted(found, reverse=True) == list(found)
    assert found[-1] >= 1.0


def _simulated(trials: int, rungs: int, reduction: float, agreement: float, repetitions: int = 80) -> list[float]:
    rng = random.Random(5)
    reached = [0] * rungs
    for _ in range(repetitions):
        halving = SuccessiveHalving([10 * (rung + 1) for rung in range(rungs)], reduction)
        for number in range(trials):
            quality = rng.gauss(0, 1)
            for rung in range(rungs):
                reached[rung] += 1
                score = agreement * quality + math.sqrt(1 - agreement**2) * rng.gauss(0, 1)
                if not halving.record(number, 10 * (rung + 1), score):
                    break
    return [count / repetitions for count in reached]
