"""The replay of early stopping by hand, and the two rules that the product does not have."""

from __future__ import annotations

import numpy as np

from benchmarks.early_stopping import Everything, ExtrapolatedCurve, Promotion, Stopping, first_ones, replay
from nas.strategies.stopping.asha import SuccessiveHalving

SECONDS = np.array([[1.0, 3.0], [2.0, 4.0], [1.0, 9.0], [1.0, 3.0]])
SCORES = np.array([[0.1, 0.5], [0.3, 0.4], [0.2, 0.9], [0.4, 0.6]])


def test_two_workers_by_hand():
    """0 is at its rungs at 1 and 3, 1 at 2 and 4; 2 begins at 3, 3 at 4; at 4 trial 1 comes before 2."""
    events = replay(SCORES, SECONDS, Everything(), workers=2)
    assert events == [(1, 0, 0), (3, 1, 0), (5, 0, 1), (7, 1, 1), (8, 2, 0), (9, 3, 0), (11, 3, 1), (19, 2, 1)]
    assert first_ones(events, SCORES) == [2, 3, 0]
    assert first_ones(events[:3], SCORES) == [0, 1]


def test_a_stopped_trial_costs_its_first_rung_only():
    rule = Stopping(SuccessiveHalving((1, 2), 3))
    events = replay(SCORES, SECONDS, rule, workers=1)
    # 0.1 is the first; 0.3 above; 0.2 is below the two thirds of 0.1 and 0.3; 0.4 above all.
    assert [(number, rung) for _, number, rung in events] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1)]
    assert events[-1].device_seconds == 3 + 4 + 1 + 3


def test_promotion_continues_the_best_third_before_it_begins_another():
    """Every trial pauses at its first rung; of three the best one is continued, of four no further one."""
    events = replay(SCORES, SECONDS, Promotion((1, 2)), workers=1)
    assert [(number, rung) for _, number, rung in events] == [(0, 0), (1, 0), (2, 0), (1, 1), (3, 0), (3, 1)]
    assert [event.device_seconds for event in events] == [1, 3, 4, 6, 7, 9]


def test_a_curve_is_extrapolated_by_the_completed_ones():
    """The last score is twice the first, exactly; the best completed one has 0.8."""
    rule = ExtrapolatedCurve((1, 2), 0.2, explore=5)
    for number in range(10):
        first = 0.04 * (number + 1)
        assert rule.record(number, 1, first), "nothing is known yet"
        assert rule.unjudged(number) == (1, first)
        rule.record(number, 2, 2 * first)
    assert not rule.record(11, 1, 0.39), "0.78 is expected of it"
    assert rule.record(12, 1, 0.41)
    assert rule.record(15, 1, 0.01), "one in five is never stopped"
