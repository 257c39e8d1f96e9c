"""The simulator: strategy, early stopping and record of a real search, with measurements from a table."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from nas.kinds.plans import Plan
from nas.results.measurement import Measurement
from nas.results.status import SearchStatus
from nas.specs import JobSpec
from nas.store import Store
from workers.driver.record import DriverRecord
from workers.driver.trial_book import TrialBook
from workers.trainables.message import Measured
from workers.trainables.task import TrialTask

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

Curve = Callable[[TrialTask], Sequence[Measurement]]
"""Gives the measurements of a trial, rung after rung, as they would be if it ran to its last rung."""

Watch = Callable[[float, int, Measurement, bool], None]
"""Is called with the virtual time, the trial's number, its measurement, and whether the trial ends there."""


class VirtualClock:
    """The virtual time in seconds, from 0; `Store.open(url, clock)` records by it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Simulated(NamedTuple):
    """A simulated search.

    Attributes:
        search_id: Its id in the store.
        status: With which it ended.
        seconds: Virtual time from its beginning to its end.
        device_seconds: What its trials took, summed up.
    """

    search_id: str
    status: SearchStatus
    seconds: float
    device_seconds: float


@dataclass
class _Flight:
    """A trial that runs: when it began, all that it would measure, and how much of that it has."""

    task: TrialTask
    began: float
    curve: Sequence[Measurement]
    done: int = 0

    @property
    def due(self) -> float:
        """The virtual time of the next measurement."""
        return self.began + self.curve[self.done].seconds


def simulate(
    store: Store,
    clock: VirtualClock,
    spec: JobSpec,
    plan: Plan,
    curve: Curve,
    *,
    software: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> Simulated:
    """Run a search in virtual time, from its creation in the store to its end.

    The driver's own book of trials (`TrialBook`) asks the plan and writes the store, event for event as in a search
    that trains. Only Ray and training are left out: `spec.resources.concurrent` workers each take the next trial at
    the moment at which they are free, a trial reaches a rung `seconds` after it began, as its measurement says, and
    nothing takes time beside that. Of two events at one time, that of the trial with the smaller number comes first,
    and the worker that an event frees is busy again before the next event. So equal arguments give equal records.

    Args:
        store: A migrated store that was opened with `clock`.
        clock: Is set by the simulation.
        spec: The search.
        plan: Its plan, new: it has proposed nothing yet.
        curve: What a trial measures; not empty, ascending in iterations and seconds, the last at the last rung.
        software: What is recorded as the software that has measured.
        watch: Is called at every measurement, after it was recorded.

    Raises:
        ConflictError: The store refuses the search.
        ValueError: `curve` refuses a trial.
    """
    begun = clock.now
    search, _ = store.create_search(spec)
    attempt = store.begin_driver(search.id)
    store.driver_started(search.id, attempt, software)
    # A trial's workspace says where it finds data and keeps checkpoints; trials that are not run look for neither.
    book = TrialBook(DriverRecord(store, search, attempt), plan, cast("Workspace", None))
    run = _Run(book, curve, clock, watch, spec.resources.concurrent)
    run.to_end()
    return Simulated(search.id, book.conclude(), clock.now - begun, run.device_seconds)


class _Run:
    """The workers and what they are busy with."""

    def __init__(self, book: TrialBook, curve: Curve, clock: VirtualClock, watch: Watch | None, workers: int) -> None:
        self._book = book
        self._curve = curve
        self._clock = clock
        self._watch = watch
        self._workers = workers
        self._flights: dict[int, _Flight] = {}
        self._events: list[tuple[float, int]] = []
        self.device_seconds = 0.0

    def to_end(self) -> None:
        self._fill()
        while self._events:
            self._clock.now, number = heapq.heappop(self._events)
            self._measure(number, self._flights[number])

    def _fill(self) -> None:
        """Give each free worker a trial."""
        while len(self._flights) < self._workers and not self._book.exhausted:
            task = self._book.launch()
            if task is None:
                return
            flight = self._flights[task.number] = _Flight(task, self._clock.now, self._curve(task))
            heapq.heappush(self._events, (flight.due, task.number))

    def _measure(self, number: int, flight: _Flight) -> None:
        """Record the measurement that is due, and what follows from it."""
        result = flight.curve[flight.done]
        flight.done += 1
        last = flight.done == len(flight.curve)
        message = Measured(attempt=flight.task.attempt, result=result, last=last)
        ends = last or not self._book.should_continue(number, message)
        self._book.record(number, message)
        if ends:
            self._book.end(number)
            self.device_seconds += result.device_seconds
            del self._flights[number]
        else:
            heapq.heappush(self._events, (flight.due, number))
        if self._watch is not None:
            self._watch(self._clock.now, number, result, ends)
        if ends:
            self._fill()
