"""The driver's record of predictions: bounded, and never a reason to fail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas import aids
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import Store, StoreError
from search_spaces.dense_cell.space import sample
from tests.builders import measured, predictions
from workers.driver import prediction_book
from workers.driver.prediction_book import PredictionBook

SPEC = BlackBoxSpec(name="a search", fidelity=Fidelity(dataset="scenes", rungs=(100,)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def search(store: Store) -> str:
    record, _ = store.create_search(SPEC)
    store.driver_started(record.id, store.begin_driver(record.id))
    return record.id


def measure(store: Store, search: str, number: int, score: float) -> None:
    store.add_trial(search, 1, Proposal(number, sample(3, random.Random(number)), SPEC.fidelity, 0))
    store.record_measurement(search, number, 1, measured(100, score))


def test_the_best_trials_keep_theirs(store: Store, search: str, monkeypatch):
    monkeypatch.setattr(prediction_book, "KEPT_TRIALS", 2)
    book = PredictionBook(store, search)
    kept = []
    for number, score in enumerate((0.5, 0.1, 0.4, 0.2, 0.9, 0.3)):
        measure(store, search, number, score)
        book.record(number, 1, predictions())
        store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
        kept.append(store.predicted_trials(search))
    assert kept == [{0}, {0, 1}, {0, 1, 2}, {0, 1, 2, 3}, {0, 4}, {0, 4, 5}]
    measure(store, search, 6, 0.6)
    PredictionBook(store, search).record(6, 1, predictions())  # the next driver counts what is there
    assert store.predicted_trials(search) == {0, 4, 5, 6}


def test_what_the_database_refuses_costs_one_sentence(store: Store, search: str, monkeypatch, caplog):
    monkeypatch.setattr(aids, "_said", set())
    measure(store, search, 0, 0.5)

    def away(*_: object) -> None:
        raise StoreError("the database cannot be used: the disk is full")

    book = PredictionBook(store, search)
    with monkeypatch.context() as patched:
        patched.setattr(store, "record_predictions", away)
        book.record(0, 1, predictions())
        book.record(0, 1, predictions())
    assert caplog.text.count("the disk is full): the search goes on without them") == 1
    book.record(0, 1, predictions())
    assert store.predicted_trials(search) == {0}
