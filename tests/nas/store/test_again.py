"""What searches measured again of their parents' trials, and single trials of many searches in one statement."""

from __future__ import annotations

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.store import MeasuredAgain, Store
from tests.builders import ENVIRONMENT, measured


@pytest.fixture
def child(store: Store, driven: str, add, spec, cells) -> str:
    """A child of `driven`, whose trials 0 and 1 it measures again; cell 2 is its own."""
    for number in (0, 1):
        add(driven, number)
    record, _ = store.create_search(spec, parent=driven)
    store.driver_started(record.id, store.begin_driver(record.id))
    scores = ((1, 0.5), (0, 0.25), (2, 0.9), (1, 0.75))
    for number, (cell, score) in enumerate(scores):
        seed = 8 + number // 3
        store.add_trial(record.id, 1, Proposal(number, cells[cell], spec.fidelity, seed))
        found = measured(100, score, environment=ENVIRONMENT)
        store.record_measurement(record.id, number, 1, found, value=score / 2)
        if number != 1:
            store.finish_trial(record.id, number, 1, TrialStatus.COMPLETED)
    return record.id


def test_completed_trials_of_architectures_that_the_parent_has(store: Store, driven: str, child: str, cells):
    key = cells[1].key
    again = [MeasuredAgain(1, 0, key, 8, 0.25), MeasuredAgain(1, 3, key, 9, 0.375)]
    assert store.measured_again([child, driven, "s0"]) == {child: again, driven: [], "s0": []}
    assert store.measured_again([]) == {}


def test_one_trial_and_one_environment_of_each_search(store: Store, driven: str, child: str):
    found = store.trials_at([(driven, 1), (child, 3), ("s0", 0)])
    assert found == {driven: store.get_trial(driven, 1), child: store.get_trial(child, 3)}
    assert store.environments_at([(driven, 1, 100), (child, 3, 100), (child, 2, 999)]) == {child: ENVIRONMENT}
    assert store.trials_at([]) == store.environments_at([]) == {}
