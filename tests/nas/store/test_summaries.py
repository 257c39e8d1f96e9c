"""Counts and samples for the panels of a search, against their definitions over all trials."""

from __future__ import annotations

import random
from collections import Counter

from nas.results.status import TrialStatus as T
from nas.store import Failure, RungCount, SizedScore, Store, TrialSpan
from tests.builders import measured


def test_summaries_are_what_they_say(store: Store, driven: str, add):
    rng = random.Random(4)
    for number in range(24):
        add(driven, number)
        for rung in (100, 300)[: rng.choice((0, 1, 2, 2))]:
            sizes = {"parameters": 1000 + number, "multiply_adds": 50 * number} if number % 3 else {}
            store.record_measurement(driven, number, 1, measured(rung, rng.random(), **sizes))
        if number % 4 == 3:
            store.finish_trial(driven, number, 1, T.FAILED, ("NaN", "killed", None)[number % 3])
    trials = store.all_trials(driven)
    counted = Counter((trial.status, trial.iteration) for trial in trials)
    assert sorted(store.rung_counts(driven), key=str) == sorted((RungCount(*k, n) for k, n in counted.items()), key=str)
    ranked = [trial for trial in trials if trial.standing is not None]
    assert store.sampled_trials(driven) == ranked
    assert store.sampled_trials(driven, 2) == [trial for trial in ranked if trial.number % 2 == 0]
    at_300 = [trial for trial in ranked if trial.iteration == 300]
    assert len(at_300) > 3
    assert store.sampled_trials(driven, 1, 300) == at_300
    assert store.sized_scores(driven, 300) == [
        SizedScore._make((trial.number, trial.score, trial.parameters, trial.multiply_adds))
        for trial in at_300
        if trial.parameters is not None
    ]
    assert store.newest_spans(driven, 5) == [
        TrialSpan(trial.number, trial.status, trial.created_at, trial.updated_at, trial.finished_at)
        for trial in trials[-5:]
    ]
    # 3 -> NaN, 7 -> killed, 11 -> None, 15 -> NaN, 19 -> killed, 23 -> None.
    assert store.failures(driven, 9) == [Failure("NaN", 2, 3), Failure("killed", 2, 7), Failure(None, 2, 11)]
    assert store.failures(driven, 1) == [Failure("NaN", 2, 3)]


def test_a_search_without_trials_has_none(store: Store, driven: str):
    assert store.rung_counts(driven) == store.sampled_trials(driven) == store.sized_scores(driven, 100) == []
    assert store.failures(driven, 9) == store.newest_spans(driven, 9) == []
