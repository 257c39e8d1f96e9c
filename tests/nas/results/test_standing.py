"""The one order of results."""

from __future__ import annotations

from nas.results.standing import placed_text, standing, trial_standing
from nas.results.status import TrialStatus


def test_a_deeper_rung_comes_before_a_higher_score():
    results = [(300, 0.2), (100, 0.9), (300, 0.7), (100, 0.1), (1000, 0.0)]
    best_first = sorted(results, key=lambda result: standing(*result), reverse=True)
    assert best_first == [(1000, 0.0), (300, 0.7), (300, 0.2), (100, 0.9), (100, 0.1)]


def test_an_unjudged_result_stands_deep_only_where_it_holds_its_own():
    first = (100, 0.4)
    assert standing(300, 0.6, first, least_judged=0.7) == first
    assert standing(300, 0.7, first, least_judged=0.7) == (300, 0.7)
    assert standing(300, 0.6, first, least_judged=None) == first  # nobody to hold its own against
    assert standing(300, 0.6, None, least_judged=0.7) == (300, 0.6)


def test_equal_results_share_their_place():
    assert standing(100, 0.5) == standing(100, 0.5)


def test_a_trial_that_failed_or_has_no_score_has_no_standing():
    assert trial_standing(TrialStatus.PRUNED, 100, 0.5) == (100, 0.5)
    assert trial_standing(TrialStatus.RUNNING, 100, 0.5) == (100, 0.5)
    assert trial_standing(TrialStatus.FAILED, 100, 0.5) is None
    assert trial_standing(TrialStatus.RUNNING, None, None) is None


def test_a_place_that_is_not_that_of_the_deepest_rung_is_said():
    assert placed_text(300, standing(300, 0.6, (100, 0.4), least_judged=0.7)) == (
        "placed by 0.4000 at 100, which it passed unjudged"
    )
    for iteration, place in ((300, (300, 0.6)), (None, None), (100, None)):
        assert placed_text(iteration, place) == ""
