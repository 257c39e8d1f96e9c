import random
import types
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.strategies.stopping.asha import SuccessiveHalving


def test_by_hand_at_one_rung():
    asha = SuccessiveHalving((10, 30), reduction=2)  # at least the median of the others
    assert asha.record(0, 10, 0.5)  # the first has nothing to be compared with
    assert not asha.record(1, 10, 0.4)
    assert not asha.record(2, 10, 0.44)  # median of 0.4, 0.5
    assert asha.record(3, 10, 0.44)  # median of 0.4, 0.44, 0.5: a tie goes on
    assert asha.record(4, 10, 0.46)


def test_by_hand_with_interpolation():
    asha = SuccessiveHalving((1, 2), reduction=4)
    for number, score in enumerate((0.0, 0.4, 0.8)):
        asha.record(number, 1, score)
    # h = 0.75 * 2 = 1.5: halfway between 0.4 and 0.8
    assert not asha.record(3, 1, 0.59)
    asha = SuccessiveHalving((1, 2), reduction=4)
    for number, score in enumerate((0.8, 0.0, 0.4)):
        asha.record(number, 1, score)
    assert asha.record(3, 1, 0.61)


def test_rungs_are_judged_apart_and_the_last_stops_nothing():
    asha = SuccessiveHalving((10, 30), reduction=2)
    assert asha.record(0, 10, 0.9)
    assert asha.record(0, 30, 0.95)
    assert asha.record(1, 10, 0.9)
    assert asha.record(1, 30, 0.1)
    assert SuccessiveHalving((7,), reduction=3).record(0, 7, 0.0)


def test_a_rung_recorded_again_counts_once_and_keeps_its_answer():
    asha = SuccessiveHalving((10, 30), reduction=2)
    assert asha.record(0, 10, 0.1)
    assert asha.record(1, 10, 0.9)
    assert asha.record(0, 10, 0.0)  # it would be stopped now, but had been let go on
    assert not asha.record(2, 10, 0.49)  # median of 0.1 and 0.9 still
    assert not asha.record(2, 10, 1.0)


@given(st.data())
def test_replayed_it_decides_as_if_it_had_lived_on(data):
    rungs = (1, 2, 4, 8)
    scores = st.sampled_from([i / 10 for i in range(11)])
    reduction = data.draw(st.sampled_from([2.0, 2.5, 3.0]))
    lived, replayed = SuccessiveHalving(rungs, reduction), SuccessiveHalving(rungs, reduction)
    curves: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    next_rung: dict[int, int] = {}
    for _ in range(data.draw(st.integers(0, 30))):
        number = data.draw(st.sampled_from([*(n for n, r in next_rung.items() if r < 4), len(next_rung)]))
        rung = next_rung.setdefault(number, 0)
        score = data.draw(scores)
        curves.setdefault(number, []).append((rungs[rung], (score,)))
        next_rung[number] = rung + 1 if lived.record(number, rungs[rung], score) else 4
    replayed.replay(dict(data.draw(st.permutations(list(curves.items())))))
    for number in range(len(next_rung), len(next_rung) + 5):
        for rung in rungs:
            score = data.draw(scores)
            assert replayed.record(number, rung, score) == lived.record(number, rung, score)


def test_a_trial_in_flight_goes_on_at_a_rung_that_the_record_holds():
    asha = SuccessiveHalving((10, 30), reduction=2)
    asha.replay({0: [(10, (0.2,))], 1: [(10, (0.9,)), (30, (0.95,))]})
    assert asha.record(0, 10, 0.2)
    assert not asha.record(2, 10, 0.5)


def test_too_few_scores_judge_nobody():
    """One in three of fewer than three trials is none: the first two at a rung continue unjudged, if they continue."""
    asha = SuccessiveHalving((10, 30, 90), reduction=3)
    for number, score in enumerate((0.1, 0.2, 0.3)):
        assert asha.record(number, 10, score)
    assert [asha.unjudged(number) for number in range(3)] == [(10, 0.1), (10, 0.2), None]
    for number, score in ((1, 0.5), (2, 0.6), (0, 0.7)):
        assert asha.record(number, 30, score)
    # Trial 1 stays unjudged since its first rung; 2 was the second at this one; 0 is judged here.
    assert [asha.unjudged(number) for number in range(3)] == [None, (10, 0.2), (30, 0.6)]
    asha.record(1, 90, 0.9)  # the last rung judges nobody
    assert asha.unjudged(1) == (10, 0.2)


def test_who_was_unjudged_is_restored():
    asha = SuccessiveHalving((10, 30), reduction=2)
    asha.replay({0: [(10, (0.2,))], 1: [(10, (0.9,))]}, {0: (10, 0.2)})
    assert asha.record(0, 10, 0.2)
    assert (asha.unjudged(0), asha.unjudged(1)) == ((10, 0.2), None)


@pytest.mark.parametrize(
    ("rungs", "reduction", "sentence"),
    [((), 2, "at least one"), ((3, 3), 2, "strictly ascending"), ((1, 2), 1, "reduction must be above 1, not 1")],
)
def test_wrong_settings_are_refused(rungs, reduction, sentence):
    with pytest.raises(ValueError, match=sentence):
        SuccessiveHalving(rungs, reduction)


def test_an_iteration_between_rungs_is_refused():
    with pytest.raises(ValueError, match=r"iteration 20 is not one of the rungs \[10, 30\]"):
        SuccessiveHalving((10, 30), 2).record(0, 20, 0.5)


@pytest.fixture(scope="module")
def ray_scheduler():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Ray's import warns of is not ours
        from ray.tune.schedulers import AsyncHyperBandScheduler
    return AsyncHyperBandScheduler


@pytest.mark.slow
@pytest.mark.parametrize("reduction", [2, 3, 4])
@pytest.mark.parametrize("distinct_scores", [8, 10**6])
def test_decisions_are_those_of_ray_tune(ray_scheduler, reduction, distinct_scores):
    """400 trials that take turns at random on rungs 1, r, r^2, r^3; with few distinct scores most are ties."""
    rungs = [reduction**k for k in range(4)]
    ray = ray_scheduler(
        time_attr="t", metric="score", mode="max", grace_period=1, max_t=rungs[-1], reduction_factor=reduction
    )
    ours = SuccessiveHalving(rungs, reduction)
    rng = random.Random(reduction * distinct_scores)
    trials = [types.SimpleNamespace(trial_id=str(number)) for number in range(400)]
    for trial in trials:
        ray.on_trial_add(None, trial)
    level = dict.fromkeys(range(400), 0)
    decisions = {True: 0, False: 0}
    while level:
        number = rng.choice(list(level)[:20])
        rung = rungs[level[number]]
        score = rng.randrange(distinct_scores) / distinct_scores
        theirs = ray.on_trial_result(None, trials[number], {"t": rung, "score": score})
        should_continue = ours.record(number, rung, score)
        if rung == rungs[-1]:
            assert (theirs, should_continue) == (
                "STOP",
                True,
            )  # Ray ends it; here it ends by itself
            del level[number]
            continue
        assert (theirs == "CONTINUE") == should_continue
        decisions[should_continue] += 1
        level[number] += 1
        if not should_continue:
            del level[number]
    assert min(decisions.values()) > 50
