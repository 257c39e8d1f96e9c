"""The best so far and the sample of a chart, against their definitions."""

from __future__ import annotations

import random

from nas.results.status import TrialStatus as T
from nas.store import DrawnScore, Store
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
