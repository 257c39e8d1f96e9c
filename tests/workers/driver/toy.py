"""A search whose training is a toy, driven without Ray: what a driver does, one event after the other.

The book, the record and the strategies are the real ones; only what a trial measures is made up.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from nas.kinds.registry import kind_of
from nas.results.measurement import Measurement
from nas.store import Store
from nas.training.workspace import Workspace
from tests.builders import measured
from workers.driver.record import DriverRecord
from workers.driver.trial_book import TrialBook
from workers.trainables.message import Measured
from workers.trainables.task import TrialTask


class Died(Exception):  # noqa: N818  it did
    """The driver, at a point of our choosing."""


def score_of(architecture, iteration: int) -> float:
    """The toy's truth: depends on nothing but the architecture and the rung."""
    digits = hashlib.sha256(f"{architecture.key}/{iteration}".encode()).hexdigest()[:8]
    return int(digits, 16) / 16**8


def measure(architecture, iteration: int) -> Measurement:
    """What the toy's training gives at a rung; an iteration takes a second."""
    return measured(iteration, score_of(architecture, iteration), seconds=float(iteration))


def message(measurement: Measurement, attempt: int = 1) -> Measured[Measurement]:
    """What a trial's process sends at a rung."""
    return Measured(attempt=attempt, result=measurement, last=measurement.iteration == 40)


def search(store: Store, spec) -> str:
    return store.create_search(spec)[0].id


def begin(store: Store, search_id: str) -> TrialBook:
    attempt = store.begin_driver(search_id)
    driver = DriverRecord(store, store.get_search(search_id), attempt)
    trial_book = TrialBook(
        driver,
        kind_of(driver.spec).plan(driver.spec, driver.search_id, driver.records),
        Workspace({}, {}, Path("cache"), Path("artifacts")),
    )
    driver.start()
    trial_book.replay()
    return trial_book


def launch(trial_book: TrialBook) -> TrialTask:
    """The next trial, where one must be left."""
    task = trial_book.launch()
    assert task is not None
    return task


def run_trial(trial_book: TrialBook, flight: TrialTask, tick) -> None:
    """As Tune does: decide, record, and end the trial when it is over; `tick` may end the driver in between."""
    tick("launched")
    for rung in flight.fidelity.rungs:
        reached = message(measure(flight.architecture, rung), flight.attempt)
        last = rung == flight.fidelity.iterations
        should_continue = last or trial_book.should_continue(flight.number, reached)
        trial_book.record(flight.number, reached)
        tick("recorded" if should_continue and not last else "recorded the end")
        if last or not should_continue:
            trial_book.end(flight.number)
            tick("ended")
            return


def drive(store: Store, search_id: str, die_at: int | None = None) -> str | None:
    """One driver, trial after trial; with `die_at` it dies at that event, whose name is returned."""
    events = itertools.count()
    place = None

    def tick(name: str) -> None:
        nonlocal place
        place = name
        if next(events) == die_at:
            raise Died

    trial_book = begin(store, search_id)
    try:
        while (flight := trial_book.launch()) is not None:
            run_trial(trial_book, flight, tick)
    except Died:
        return place
    trial_book.conclude()
    return None


def replaced(store: Store, search_id: str) -> None:
    """What the service does when it finds the driver gone."""
    attempt = store.get_search(search_id).attempt
    assert store.requeue_search(search_id, attempt, 0.0, "the driver died")


def rows(store: Store, search_id: str):
    return [
        (
            trial.number,
            trial.architecture_key,
            trial.status,
            trial.score,
            trial.iteration,
            trial.unjudged,
            store.curve(search_id, trial.number),
        )
        for trial in store.all_trials(search_id)
    ]
