"""Predictions: kept for the deepest rung, of the current attempt, and no longer than their search."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from nas.results.predictions import Predictions
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.store import Store, StoreError
from tests.builders import predictions


def finish(store: Store, search: str) -> None:
    store.finish_search(search, 1, SearchStatus.COMPLETED)


def rows(store: Store, table: str) -> int:
    with store._read() as connection:
        return int(connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())


def test_what_is_recorded_is_read(store: Store, driven: str, add):
    add(driven, 0)
    assert store.predictions(driven, 0) is None
    assert store.record_predictions(driven, 0, 1, predictions())
    assert store.predictions(driven, 0) == predictions()
    assert store.predictions(driven, 1) is None
    assert store.predictions("s000000000000", 0) is None


def test_a_deeper_rung_replaces_an_earlier_one(store: Store, driven: str, add):
    add(driven, 0)
    deeper = predictions(300, agreement=(0.5, None))
    for recorded, expected in (
        (predictions(100), predictions(100)),
        (deeper, deeper),
        (predictions(100), deeper),  # delivered late
        (deeper, deeper),  # delivered twice
    ):
        store.record_predictions(driven, 0, 1, recorded)
        assert store.predictions(driven, 0) == expected
    assert (rows(store, "predictions"), rows(store, "examples")) == (1, 1)


def test_nothing_of_a_stale_attempt_or_of_no_trial(store: Store, driven: str, add):
    add(driven, 0)
    store.begin_attempt(driven, 0)
    assert not store.record_predictions(driven, 0, 1, predictions())
    assert not store.record_predictions(driven, 5, 1, predictions())
    assert (rows(store, "predictions"), rows(store, "examples")) == (0, 0)
    assert store.record_predictions(driven, 0, 2, predictions())


def test_one_statement_a_rung_once_the_examples_are_there(store: Store, driven: str, add, statements):
    add(driven, 0)
    for expected in (2, 1, 1):
        with statements() as sent:
            store.record_predictions(driven, 0, 1, predictions())
        assert len(sent) == expected
    with statements() as sent:
        store.predictions(driven, 0)
    assert len(sent) == 1


def test_examples_belong_to_one_search(store: Store, driven: str, spec, add):
    other, _ = store.create_search(spec)
    store.driver_started(other.id, store.begin_driver(other.id))
    for search in (driven, other.id):
        add(search, 0)
        store.record_predictions(search, 0, 1, predictions())
    add(driven, 1)
    store.record_predictions(driven, 1, 1, predictions(key="f" * 64))
    assert rows(store, "examples") == 3
    finish(store, driven)
    store.delete_search(driven)
    assert (rows(store, "predictions"), rows(store, "examples")) == (1, 1)
    assert store.predictions(other.id, 0) == predictions()


def test_an_adopted_trial_shows_what_its_source_predicts(store: Store, driven: str, spec, cells, add, measured):
    add(driven, 0)
    for rung in (100, 300):
        store.record_measurement(driven, 0, 1, measured(rung))
    store.record_predictions(driven, 0, 1, predictions(300))
    store.finish_trial(driven, 0, 1, TrialStatus.COMPLETED)
    mine, _ = store.create_search(spec)
    store.driver_started(mine.id, store.begin_driver(mine.id))
    store.adopt_trial(mine.id, 1, Proposal(0, cells[0], spec.fidelity, seed=0), driven, 0)
    assert store.predictions(mine.id, 0) == predictions(300)
    store.adopt_trial(mine.id, 1, Proposal(1, cells[0], spec.fidelity, seed=0), driven, 0, pruned_at=100)
    assert store.predictions(mine.id, 1) is None  # the source was trained further than this trial
    finish(store, driven)
    store.delete_search(driven)
    assert store.predictions(mine.id, 0) is None


def test_those_of_some_trials_and_of_running_ones_are_kept(store: Store, driven: str, add, measured):
    for number in range(5):
        add(driven, number)
        store.record_measurement(driven, number, 1, measured())
        store.record_predictions(driven, number, 1, predictions())
        if number < 4:
            store.finish_trial(driven, number, 1, TrialStatus.PRUNED)
    assert store.predicted_trials(driven) == {0, 1, 2, 3, 4}
    assert store.keep_predictions(driven, [1, 3]) == {1, 3, 4}
    assert store.predictions(driven, 0) is None
    assert store.predictions(driven, 3) is not None
    assert store.keep_predictions(driven, []) == {4}


def test_what_another_version_stored_is_an_error_that_names_the_trial(store: Store, driven: str, add):
    add(driven, 0)
    store.record_predictions(driven, 0, 1, predictions())
    with store._write() as connection:
        connection.execute(text("UPDATE predictions SET payload = '{}'"))
    with pytest.raises(StoreError, match=rf"trial 0 of search {driven} .* fields differ"):
        store.predictions(driven, 0)


def test_bytes_survive_json():
    assert Predictions.model_validate_json(predictions().model_dump_json()) == predictions()
