"""Progressive halving by hand: which rung is open, and when the next one opens."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nas.strategies.stopping.asha import SuccessiveHalving
from nas.strategies.stopping.pasha import ProgressiveHalving
from tests.builders import black_box_spec, scenes_fidelity

RUNGS = (10, 20, 40, 80)


def record(rule: ProgressiveHalving, number: int, *scores: float) -> int:
    """A trial that would score so at the rungs in turn; the rung that it ended at."""
    for rung, score in zip(RUNGS, scores, strict=True):
        if not rule.record(number, rung, score):
            return rung
    return RUNGS[-1]


def test_while_the_order_stays_nobody_goes_beyond_the_second_rung():
    rule = ProgressiveHalving(RUNGS, 2.0, 0.0)
    assert record(rule, 0, 0.1, 0.2, 0.3, 0.4) == 20
    assert record(rule, 1, 0.2, 0.3, 0.4, 0.5) == 20
    assert record(rule, 2, 0.1, 0.9, 0.9, 0.9) == 10, "halving stops it"
    assert record(rule, 3, 0.3, 0.4, 0.5, 0.6) == 20
    assert rule.open_rung == 20


def test_a_changed_order_opens_the_next_rung():
    """Trial 1 is above trial 0 at 10 and above at 20; trial 2 is above both at 10, and below 1 at 20."""
    rule = ProgressiveHalving(RUNGS, 3.0, 0.0)
    for number, scores in enumerate(((0.10, 0.10, 0, 0), (0.30, 0.50, 0, 0))):
        assert record(rule, number, *scores) == 20
    assert not rule.record(2, 10, 0.0)
    assert rule.record(3, 10, 0.40)
    assert not rule.record(3, 20, 0.20), "the order has changed, but halving stops it: 2/3 of the way up is 0.37"
    assert rule.open_rung == 20
    assert rule.record(4, 10, 0.50)
    assert rule.record(4, 20, 0.45), "of 0.1, 0.2 and 0.5 it is above 0.4, and 3 and 1 still stand otherwise"
    assert rule.open_rung == 20, "nobody has reached the next yet"
    assert not rule.record(4, 40, 0.6), "alone at the rung, it stands as before"
    assert rule.open_rung == 40
    assert record(rule, 5, 0.6, 0.6, 0.7, 0) == 40, "now 20 is passed by halving alone, and at 40 the order stays"
    assert record(rule, 6, 0.61, 0.62, 0.65, 0) == 40, "halving stops it at 40: two thirds up of 0.6 and 0.7 is 0.67"
    assert rule.record(7, 10, 0.62)
    assert rule.record(7, 20, 0.61)
    assert rule.record(7, 40, 0.8), "the first at 40, and 6, above it at 20, is only third there"


def test_trials_within_epsilon_may_change_places():
    """At 10 trial 2 is 0.02 above trial 0, at 20 below it; halving would let it continue."""
    for epsilon, continues in ((0.0, True), (0.019, True), (0.021, False)):
        rule = ProgressiveHalving((10, 20, 80), 1.5, epsilon)
        rule.replay({0: [(10, (0.50,)), (20, (0.60,))], 1: [(10, (0.05,)), (20, (0.10,))]})
        assert rule.record(2, 10, 0.52)
        assert rule.record(2, 20, 0.55) is continues


def test_epsilon_is_what_trials_differ_by_that_cross_back_and_forth():
    """0 and 1 cross twice and end 0.03 apart; 2 is above both from the second rung on, and crosses once."""
    rule = ProgressiveHalving((1, 2, 4, 8), 1.01)
    curves = {0: (0.5, 0.4, 0.53), 1: (0.4, 0.5, 0.50), 2: (0.3, 0.8, 0.90)}
    rule.replay(
        {number: [*zip((1, 2, 4), ((score,) for score in curve), strict=True)] for number, curve in curves.items()}
    )
    assert rule.open_rung == 4
    assert rule.epsilon() == pytest.approx(0.03)
    assert ProgressiveHalving((1, 2, 4, 8), 2).epsilon() == 0


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), max_size=40))
def test_nobody_passes_whom_halving_alone_would_stop(trials):
    """The same record, judged by both."""
    rule = ProgressiveHalving(RUNGS, 2.0)
    for number, scores in enumerate(trials):
        for rung, score in zip(RUNGS, scores, strict=True):
            alone = SuccessiveHalving(RUNGS, 2.0)
            alone.replay({n: [(rung, (s,))] for n, s in rule._scores[rung].items()})
            goes_on = rule.record(number, rung, score)
            assert alone.record(number, rung, score) or not goes_on
            if not goes_on:
                break


def test_with_two_rungs_it_is_successive_halving():
    rng = random.Random(0)
    one, other = ProgressiveHalving((1, 2), 3.0), SuccessiveHalving((1, 2), 3.0)
    for number in range(50):
        score = rng.random()
        assert one.record(number, 1, score) == other.record(number, 1, score)


def test_where_early_rungs_order_as_the_last_it_costs_less_and_finds_the_same():
    """300 trials of a quality that every rung shows: halving trains a ninth to the end, progressive halving none."""
    rng = random.Random(0)
    quality = [rng.random() for _ in range(300)]
    cost = {}
    for name, rule in (("asha", SuccessiveHalving(RUNGS, 3.0)), ("pasha", ProgressiveHalving(RUNGS, 3.0))):
        ends = {}
        for number, score in enumerate(quality):
            ends[number] = next((r for r in RUNGS[:-1] if not rule.record(number, r, score)), RUNGS[-1])
        cost[name] = sum(ends.values())
        deepest = max(ends.values())
        found = max((number for number in ends if ends[number] == deepest), key=lambda number: quality[number])
        assert quality[found] == max(quality)
    assert cost["pasha"] < 0.75 * cost["asha"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, r"pasha opens rungs beyond the second, and fidelity.rungs has \[100, 300\]"),
        ({"fidelity": scenes_fidelity(1, 2, 3), "objectives": ("miou", "parameters")}, "by one objective"),
    ],
)
def test_specs_that_it_does_not_fit_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        black_box_spec(early_stopping={"name": "pasha"}, **changes)


def test_a_negative_epsilon_is_refused():
    with pytest.raises(ValueError, match="epsilon must be 0 or more"):
        ProgressiveHalving(RUNGS, 2.0, -0.1)
