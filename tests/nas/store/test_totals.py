"""Kept totals are what the rows sum up to, whoever writes and in whatever order."""

from __future__ import annotations

import contextlib
import threading

from sqlalchemy import text

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus
from nas.results.status import TrialStatus as T
from nas.store import RungTime, StaleAttemptError, Store
from tests.builders import measured


def test_a_late_measurement_of_an_earlier_rung_shortens_the_way_to_the_next(store: Store, driven: str, add, spec):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(300, 0.5, 9.0))
    store.record_measurement(driven, 0, 1, measured(100, 0.25, 2.0))
    store.record_measurement(driven, 0, 1, measured(200, 0.25, 5.5))
    key = spec.fidelity.key
    ways = [RungTime(driven, key, rung, 1, way, way) for rung, way in ((100, 2.0), (200, 3.5), (300, 3.5))]
    assert store.rung_times([key]) == ways
    assert store.odd_totals() == []


def test_a_transaction_that_fails_leaves_the_totals(store: Store, driven: str, add):
    add(driven, 0)
    before = store.overview(driven)
    with contextlib.suppress(RuntimeError), store._write() as connection:
        connection.execute(text("UPDATE trials SET status = 'failed', finished_at = 1"))
        raise RuntimeError("a process dies here")
    assert store.overview(driven) == before
    assert store.odd_totals() == []


def test_only_the_newest_searches_are_read(store: Store, spec, cells):
    for number in range(3):
        search, _ = store.create_search(spec)
        store.begin_driver(search.id)
        store.add_trial(search.id, 1, Proposal(0, cells[number], spec.fidelity, 0))
        store.record_measurement(search.id, 0, 1, measured(100, 0.5, float(number)))
    assert sorted(time.mean_seconds for time in store.rung_times([spec.fidelity.key], newest=2)) == [1.0, 2.0]


def test_odd_totals_are_told(store: Store, driven: str, add):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured())
    assert store.odd_totals() == []
    with store._write() as connection:
        connection.execute(text("UPDATE search_totals SET failed = failed + 1"))
        connection.execute(text("UPDATE rung_totals SET trials = trials + 1"))
    of_trials, of_rungs = store.odd_totals()
    assert of_trials.startswith("search_totals has")
    assert driven in of_trials
    assert of_rungs.startswith("rung_totals has")


def test_the_end_of_a_search_and_its_trials_writers_never_wait_for_each_other(store: Store, spec, cells):
    """The end holds all running trials, then the totals; a trial's writer the trial, then the totals."""
    for turn in range(5):
        search, _ = store.create_search(spec)
        store.begin_driver(search.id)
        for number in range(6):
            store.add_trial(search.id, 1, Proposal(number, cells[number], spec.fidelity, turn))
        refused: list[BaseException] = []

        def work(number: int, search_id: str = search.id, refused: list[BaseException] = refused) -> None:
            try:
                for rung in range(1, 30):
                    store.record_measurement(search_id, number, 1, measured(rung))
            except StaleAttemptError:
                pass
            except BaseException as error:
                refused.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in reversed(range(6))]
        for thread in threads:
            thread.start()
        store.finish_search(search.id, 1, SearchStatus.STOPPED)
        for thread in threads:
            thread.join(timeout=60)
        assert refused == []
        assert store.overview(search.id).trials[T.STOPPED] == 6
    assert store.odd_totals() == []
