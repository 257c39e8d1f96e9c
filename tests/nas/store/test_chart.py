"""The best so far and the sample of a chart, against their definitions."""

from __future__ import annotations

import random

from nas.results.status import TrialStatus as T
from nas.store import BestStep, DrawnScore, Store
from tests.builders import measured


def test_best_so_far_and_sample_are_what_they_say(store: Store, driven: str, add):
    rng = random.Random(4)
    for number in range(25):
        add(driven, number)
        store.record_measurement(driven, number, 1, measured(100, rng.choice([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])))
        if number % 6 == 5:
            store.record_measurement(driven, number, 1, measured(300, 0.9))  # another rung
        if number % 5 == 3:
            store.finish_trial(driven, number, 1, rng.choice([T.FAILED, T.PRUNED]))
    add(driven, 25)  # without a score
    drawn = [
        DrawnScore(trial.number, trial.value, trial.status)
        for trial in store.all_trials(driven)
        if trial.iteration == 100 and trial.value is not None and trial.status is not T.FAILED
    ]
    record = [point for index, point in enumerate(drawn) if all(point.value > p.value for p in drawn[:index])]
    assert store.best_so_far(driven, 100) == record
    assert len(record) > 1, "the draw has steps"
    assert store.sampled_scores(driven, 100) == drawn
    assert store.sampled_scores(driven, 100, 4) == [point for point in drawn if point.number % 4 == 0]
    assert store.best_so_far(driven, 200) == store.sampled_scores("s0", 100) == []


def test_the_best_by_cost(store: Store, driven: str, add):
    """Steps and sums by hand: what failed or stands at another rung costs, and its score does not count."""
    scores = {0: 0.3, 1: 0.2, 2: 0.9, 3: 0.5, 4: 0.5, 5: 0.6}
    for number, score in scores.items():
        trial = add(driven, number)
        store.record_measurement(driven, number, 1, measured(100, score, 10.0 + number))
        if number == 2:
            store.finish_trial(driven, number, 1, T.FAILED)
        if number == 3:
            store.record_measurement(driven, number, 1, measured(300, 0.7, 40.0))
    add(driven, 6)  # without a score
    key = trial.fidelity_key
    at_100 = [BestStep(1, 0.3, 10.0), BestStep(5, 0.5, 10 + 11 + 12 + 40 + 14), BestStep(6, 0.6, 102.0)]
    assert store.best_by_cost({driven: (key, 100)}) == {driven: at_100}
    assert store.best_by_cost({driven: (key, 300), "s0": (key, 100)}) == {driven: [BestStep(4, 0.7, 73.0)], "s0": []}
    assert store.best_by_cost({driven: ("another", 100)}) == {driven: []}
    assert store.best_by_cost({}) == {}


def test_the_best_by_cost_goes_by_the_objective_and_by_where_a_trial_stands(store: Store, driven: str, add):
    """The greater mIoU has the lesser value; trial 2 passed rung 100 unjudged and is worse than all judged at 300."""
    for number, miou, value in ((0, 0.8, 0.3), (1, 0.6, 0.5), (2, 0.7, 0.6), (3, 0.2, 0.55)):
        trial = add(driven, number)
        judged = number != 2 if number > 1 else None
        store.record_measurement(driven, number, 1, measured(100, miou, 1.0), judged, value=value)
        if judged is not None:
            store.record_measurement(driven, number, 1, measured(300, 0.9, 3.0), value=0.7 - 0.1 * (number == 2))
    key, best = trial.fidelity_key, store.best_trial(driven)
    assert best is not None
    assert (best.number, best.standing) == (3, (300, 0.7))
    assert store.get_trial(driven, 2).standing == (100, 0.6)
    assert store.best_by_cost({driven: (key, 300)}) == {driven: [BestStep(4, 0.7, 8.0)]}
    at_100 = [BestStep(1, 0.3, 1.0), BestStep(2, 0.5, 2.0), BestStep(3, 0.6, 5.0)]
    assert store.best_by_cost({driven: (key, 100)}) == {driven: at_100}
