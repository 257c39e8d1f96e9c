"""The driver's book, without Ray: what is recorded, and that a driver takes over where the last one was."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import DenseCellSpace, DpcStrategy, RandomStrategy, Strategy, TpeStrategy
from nas.store import SearchClosedError, StaleAttemptError, Store, StoreError
from tests.builders import predictions
from tests.workers.driver.toy import Died, begin, drive, launch, measure, message, replaced, rows, score_of, search
from workers.driver import record as record_module
from workers.driver.record import persist
from workers.driver.trial_book import TrialBook
from workers.trainables.message import Progress
from workers.trainables.task import TrialTask


def test_who_was_let_go_on_unjudged_is_recorded(store, spec_of):
    """Best of two go on: the first trial at each rung is unjudged there, until it is judged at the next."""
    search_id = search(store, spec_of())
    drive(store, search_id)
    first, *others = store.all_trials(search_id)
    assert first.unjudged == (10, score_of(first.architecture, 10))
    assert {trial.unjudged for trial in others if trial.iteration == 10} == {None}
    plain = search(store, spec_of(early_stopping=None))
    drive(store, plain)
    assert {trial.unjudged for trial in store.all_trials(plain)} == {None}


def test_runs_a_search_to_its_end(store, spec_of):
    search_id = search(store, spec_of(trials=12))
    drive(store, search_id)
    record = store.get_search(search_id)
    assert record.status is SearchStatus.COMPLETED
    assert (record.stage.name, record.stage.done, record.stage.total) == ("trials", 12, 12)
    counts = store.overview(search_id).trials
    assert counts[TrialStatus.COMPLETED] + counts[TrialStatus.PRUNED] == 12
    assert counts[TrialStatus.PRUNED] > 0
    assert all(trial.attempt == 1 for trial in store.all_trials(search_id))


def drive_many(store: Store, search_id: str, outstanding: int, die_at: int | None = None) -> str | None:
    """One driver with several trials outstanding, which end in any order; else as `drive`."""
    events = itertools.count()
    place = None

    def tick(name: str) -> None:
        nonlocal place
        place = name
        if next(events) == die_at:
            raise Died

    trial_book = begin(store, search_id)
    in_flight: dict[int, Iterator[None]] = {}
    try:
        while in_flight or not trial_book.exhausted:
            while len(in_flight) < outstanding and (flight := trial_book.launch()) is not None:
                recorded = len(store.curve(search_id, flight.number))
                in_flight[flight.number] = stepwise(trial_book, flight, recorded, tick)
                for _ in range(recorded):  # the checkpoint holds them: they are repeated at once
                    next(in_flight[flight.number])
            number = min(in_flight, key=lambda n: whose_turn(n, len(store.curve(search_id, n))))
            if next(in_flight[number], "over") == "over":
                del in_flight[number]
    except Died:
        return place
    trial_book.conclude()
    return None


def whose_turn(number: int, rungs: int) -> str:
    """An order without any pattern that follows from the record alone."""
    return hashlib.sha256(f"{number}/{rungs}".encode()).hexdigest()


def stepwise(trial_book: TrialBook, flight: TrialTask, recorded: int, tick) -> Iterator[None]:
    """A trial that does not stop early, one rung at a time; what is recorded already is no event."""
    for position, rung in enumerate(flight.fidelity.rungs):
        trial_book.record(flight.number, message(measure(flight.architecture, rung), flight.attempt))
        if position >= recorded:
            tick("recorded")
        if rung != flight.fidelity.iterations:
            yield
    trial_book.end(flight.number)
    tick("ended")


STRATEGIES: dict[str, Strategy] = {
    "random": RandomStrategy(),
    "dpc": DpcStrategy(startup=3, pool=2),
    "tpe": TpeStrategy(startup=3),
}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outstanding=st.integers(1, 6), deaths=st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_interrupted_drivers_propose_what_one_driver_would(store, spec_of, strategy, outstanding, deaths):
    """With many trials outstanding, every strategy: the record of a broken search is that of a whole one."""
    spec = spec_of(trials=9, strategy=strategy, early_stopping=None)
    whole, broken = search(store, spec), search(store, spec)
    drive_many(store, whole, outstanding)
    for die_at in deaths:
        if drive_many(store, broken, outstanding, die_at) is None:
            break
        replaced(store, broken)
    else:
        drive_many(store, broken, outstanding)
    assert rows(store, broken) == rows(store, whole)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deaths=st.lists(st.integers(0, 25), min_size=1, max_size=4))
def test_interrupted_drivers_record_what_one_driver_would(store, spec_of, strategy, deaths):
    """Dying anywhere but in the instant between an early stop's measurement and its record changes nothing at all."""
    spec = spec_of(trials=8, strategy=strategy)
    whole, broken = search(store, spec), search(store, spec)
    drive(store, whole)
    places = []
    for die_at in deaths:
        place = drive(store, broken, die_at)
        if place is None:
            break
        places.append(place)
        replaced(store, broken)
    else:
        drive(store, broken)
    measured_twice = [
        number for number, *_, curve in rows(store, broken) if len({m.iteration for m in curve}) != len(curve)
    ]
    assert not measured_twice
    assert [number for number, *_ in rows(store, broken)] == list(range(8))
    if "recorded the end" not in places:
        assert rows(store, broken) == rows(store, whole)
    assert store.get_search(broken).status is SearchStatus.COMPLETED


def test_a_trial_measured_to_the_end_is_not_run_again(store, spec_of):
    search_id = search(store, spec_of(trials=1, early_stopping=None))
    assert drive(store, search_id, die_at=3) == "recorded the end"
    assert store.get_trial(search_id, 0).status is TrialStatus.RUNNING
    replaced(store, search_id)
    trial_book = begin(store, search_id)
    assert store.get_trial(search_id, 0).status is TrialStatus.COMPLETED
    assert trial_book.launch() is None


def test_trials_in_flight_go_first_as_new_attempts(store, spec_of):
    search_id = search(store, spec_of())
    first = begin(store, search_id)
    flights = [launch(first) for _ in range(3)]
    first.record(1, message(measure(flights[1].architecture, 10)))
    first.end(0, "its loss is NaN")
    replaced(store, search_id)
    second = begin(store, search_id)
    launched = [launch(second) for _ in range(3)]
    assert [(flight.number, flight.attempt) for flight in launched] == [(1, 2), (2, 2), (3, 1)]
    assert launched[0].architecture == flights[1].architecture
    with pytest.raises(StaleAttemptError):
        first.launch()
    with pytest.raises(StaleAttemptError):
        first.record(2, message(measure(flights[2].architecture, 10)))


def test_a_new_attempt_does_not_record_what_is_recorded(store, spec_of):
    search_id = search(store, spec_of(early_stopping=None))
    trial_book = begin(store, search_id)
    flight = launch(trial_book)
    first = measure(flight.architecture, 10)
    trial_book.record(0, message(first))
    assert trial_book.relaunch(0) == 2
    trial_book.record(0, message(first.model_copy(update={"score": math.nextafter(first.score, 1)}), attempt=2))
    trial_book.record(0, Progress(attempt=2, done=1, total=2))  # for people, not for the record
    trial_book.record(0, message(measure(flight.architecture, 20), attempt=2))
    assert store.curve(search_id, 0) == [first, measure(flight.architecture, 20)]


def test_deaths_are_counted_over_all_drivers_and_lost_drivers_are_none(store, spec_of):
    search_id = search(store, spec_of(early_stopping=None))
    first = begin(store, search_id)
    launch(first)
    assert [first.relaunch(0), first.relaunch(0)] == [2, 3]
    replaced(store, search_id)
    second = begin(store, search_id)
    flight = launch(second)
    assert (flight.number, flight.attempt, flight.deaths) == (0, 4, 2)
    second.relaunch(0)
    assert store.get_trial(search_id, 0).deaths == 3


def test_predictions_are_recorded_beside_the_measurement(store, spec_of):
    """Those of a rung that is recorded too: the driver before may have died between the two writes."""
    search_id = search(store, spec_of(early_stopping=None))
    trial_book = begin(store, search_id)
    flight = launch(trial_book)
    first = measure(flight.architecture, 10)
    trial_book.record(0, message(first))
    assert store.predictions(search_id, 0) is None
    assert trial_book.relaunch(0) == 2
    trial_book.record(0, replace(message(first, attempt=2), predictions=predictions(10)))
    assert store.predictions(search_id, 0) == predictions(10)
    trial_book.record(0, replace(message(measure(flight.architecture, 20), 2), predictions=predictions(20)))
    assert store.predictions(search_id, 0) == predictions(20)
    assert len(store.curve(search_id, 0)) == 2


def test_a_space_that_is_used_up_ends_the_search(store, spec_of):
    search_id = search(store, spec_of(space=DenseCellSpace(branches=1), trials=200, early_stopping=None))
    trial_book = begin(store, search_id)
    launched = 0
    while (flight := trial_book.launch()) is not None:
        launched += 1
        trial_book.record(flight.number, message(measure(flight.architecture, 40)))
        trial_book.end(flight.number)
    assert launched == 81
    assert trial_book.exhausted
    assert trial_book.conclude() is SearchStatus.COMPLETED
    assert store.get_search(search_id).message == "the space has only 81 architectures"


def test_a_search_without_any_score_has_failed(store, spec_of):
    search_id = search(store, spec_of(trials=2))
    trial_book = begin(store, search_id)
    for _ in range(2):
        trial_book.end(launch(trial_book).number, "the loss is NaN at step 3")
    assert trial_book.conclude() is SearchStatus.FAILED
    assert store.get_search(search_id).message == (
        "none of the 2 trials could be measured; the last one: the loss is NaN at step 3"
    )


def test_nothing_is_started_for_a_search_that_stops(store, spec_of):
    search_id = search(store, spec_of())
    trial_book = begin(store, search_id)
    trial_book.launch()
    store.move_search(search_id, [SearchStatus.RUNNING], SearchStatus.STOPPING)
    with pytest.raises(SearchClosedError):
        trial_book.launch()


def test_patient_while_the_database_is_away(monkeypatch):
    monkeypatch.setattr(record_module, "PATIENCE", (0.0, 0.0))
    answers: Iterator[Exception | int] = iter([StoreError("away"), StoreError("away"), 7])

    def write() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert persist(write) == 7
    answers = iter([StaleAttemptError("replaced"), 7])
    with pytest.raises(StaleAttemptError):
        persist(write)
    answers = iter([StoreError("away")] * 3)
    with pytest.raises(StoreError):
        persist(write)
