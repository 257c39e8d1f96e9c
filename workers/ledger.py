"""What a driver knows of its search: every event goes into SQL first, then to strategy and early stopping.

A resubmitted driver fills its ledger from SQL, so it proposes and stops as the lost one would have.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nas.measurement import Measurement
from nas.software import software_versions
from nas.store import SearchRecord, SearchStatus, Stage, StaleAttemptError, Store, StoreError, TrialRecord, TrialStatus
from nas.strategies import Observation, SpaceExhausted, SuccessiveHalving, build_strategy
from search_spaces.document import Architecture, architecture_from_dict

T = TypeVar("T")

log = logging.getLogger("segnas.driver")

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries while the database is away; then the driver gives up and the next one takes over."""


@dataclass
class Flight:
    """A trial in flight: what was measured last, and by which attempt."""

    number: int
    attempt: int
    architecture: Architecture
    iteration: int | None = None
    score: float | None = None


class Ledger:
    """One driver's book of one search. StaleAttemptError from any method: another driver has taken over.

    SearchClosedError: the search is stopping or over.
    """

    def __init__(self, store: Store, search: SearchRecord, attempt: int) -> None:
        self._store = store
        self.search_id = search.id
        self.spec = search.spec
        self._attempt = attempt
        early = self.spec.early_stopping
        self._strategy = build_strategy(self.spec)
        self._halving = SuccessiveHalving(self.spec.fidelity.rungs, early.reduction) if early else None
        self._flights: dict[int, Flight] = {}
        self._again: deque[Flight] = deque()
        self._added = 0
        self._ended = 0
        self._scored = 0
        self._shown, self._shown_at = -1, 0.0
        self._exhausted = False
        self._last_reason = ""

    def replay(self) -> None:
        """Take over what earlier drivers recorded; their trials in flight come first, as new attempts."""
        trials = persist(lambda: self._store.all_trials(self.search_id))
        curves = persist(lambda: self._store.measurements(self.search_id))
        trials = [self._close_measured(trial) for trial in trials]
        self._strategy.restore(_observation(trial) for trial in trials)
        if self._halving is not None:
            self._halving.replay(curves)
        self._added = max((trial.number + 1 for trial in trials), default=0)
        for trial in trials:
            if trial.status.terminal:
                self._count(trial.status, trial.reason)
                continue
            attempt = self._begin_attempt(trial.number)
            architecture = architecture_from_dict(trial.architecture)
            self._again.append(Flight(trial.number, attempt, architecture, trial.iteration, trial.score))
        if trials:
            log.info("%d trials recorded, %d of them in flight: these go on first", len(trials), len(self._again))

    def launch(self) -> Flight | None:
        """The next trial to run, recorded as running; None when there is none left."""
        if self._again:
            flight = self._again.popleft()
        elif (proposed := self._propose()) is not None:
            flight = proposed
        else:
            return None
        self._flights[flight.number] = flight
        return flight

    def relaunch(self, number: int) -> Flight:
        """A new attempt of a trial whose process died."""
        flight = self._flights[number]
        flight.attempt = self._begin_attempt(number)
        log.warning("trial %d: its process died; attempt %d", number, flight.attempt)
        return flight

    @property
    def finished_asking(self) -> bool:
        """Whether every trial of the search has been launched."""
        return not self._again and (self._exhausted or self._added >= self.spec.trials)

    def goes_on(self, number: int, measurement: Measurement) -> bool:
        """Early stopping's word on a trial that has reached a rung."""
        return self._halving is None or self._halving.record(number, measurement.iteration, measurement.score)

    def record(self, number: int, attempt: int, measurement: Measurement) -> None:
        """A rung of a trial. One that an earlier attempt recorded is not recorded again."""
        flight = self._flights[number]
        if flight.iteration is not None and measurement.iteration <= flight.iteration:
            return
        persist(lambda: self._store.record_measurement(self.search_id, number, attempt, measurement))
        flight.iteration, flight.score = measurement.iteration, measurement.score
        log.info("trial %d: %.4f at %d", number, measurement.score, measurement.iteration)

    def end(self, number: int, reason: str | None = None) -> None:
        """The end of a trial: failed for a reason, else completed at the last rung, else stopped early."""
        flight = self._flights.pop(number)
        status = TrialStatus.PRUNED
        if reason is not None:
            status = TrialStatus.FAILED
            log.warning("trial %d failed: %s", number, reason)
        elif flight.iteration == self.spec.fidelity.iterations:
            status = TrialStatus.COMPLETED
        persist(lambda: self._store.finish_trial(self.search_id, number, flight.attempt, status, reason))
        self._count(status, reason)
        self._strategy.tell(Observation(number, flight.architecture, str(status), flight.score, flight.iteration))

    def status(self) -> SearchStatus:
        """The search's status in the record. StaleAttemptError when another driver has taken over."""
        search = persist(lambda: self._store.get_search(self.search_id))
        if search.attempt != self._attempt:
            raise StaleAttemptError(f"driver {search.attempt} has taken over search {self.search_id}")
        return search.status

    def start(self) -> None:
        """The search is running."""
        persist(lambda: self._store.driver_started(self.search_id, self._attempt, software_versions()))

    def show_trials(self) -> None:
        """How many trials are over; at most once a second."""
        if self._shown != self._ended and time.monotonic() - self._shown_at >= 1.0:
            self._shown, self._shown_at = self._ended, time.monotonic()
            self.show("trials", self._ended, self.spec.trials)

    def show(self, stage: str, done: int, total: int) -> None:
        """What the search is at."""
        persist(lambda: self._store.set_stage(self.search_id, self._attempt, Stage(stage, done, total)))

    def finish(self, to: SearchStatus, message: str | None = None) -> SearchStatus:
        """The end of the search."""
        persist(lambda: self._store.finish_search(self.search_id, self._attempt, to, message))
        return to

    def conclude(self) -> SearchStatus:
        """The end of a search whose trials are all over: failed when not one of them has a score."""
        self.show("trials", self._ended, self.spec.trials)
        if self._scored:
            note = f"the space has only {self._added} architectures" if self._exhausted else None
            return self.finish(SearchStatus.COMPLETED, note)
        return self.finish(
            SearchStatus.FAILED,
            f"none of the {self._ended} trials could be measured; the last one: {self._last_reason}",
        )

    def _begin_attempt(self, number: int) -> int:
        return persist(lambda: self._store.begin_attempt(self.search_id, number, self._attempt))

    def _propose(self) -> Flight | None:
        if self.finished_asking:
            return None
        number = self._added
        try:
            architecture = self._strategy.ask(number)
        except SpaceExhausted as end:
            log.info("%s", end)
            self._exhausted = True
            return None
        spec = self.spec
        trial = persist(
            lambda: self._store.add_trial(self.search_id, self._attempt, number, architecture, spec.fidelity, spec.seed)
        )
        self._added += 1
        return Flight(number, trial.attempt, architecture_from_dict(trial.architecture))

    def _close_measured(self, trial: TrialRecord) -> TrialRecord:
        """A driver may die between a trial's last rung and its end: then nothing is left to run."""
        if trial.status.terminal or trial.iteration != self.spec.fidelity.iterations:
            return trial
        persist(lambda: self._store.finish_trial(self.search_id, trial.number, trial.attempt, TrialStatus.COMPLETED))
        return persist(lambda: self._store.get_trial(self.search_id, trial.number))

    def _count(self, status: TrialStatus, reason: str | None) -> None:
        self._ended += 1
        self._scored += status in (TrialStatus.COMPLETED, TrialStatus.PRUNED)
        self._last_reason = reason or self._last_reason


def persist(write: Callable[[], T]) -> T:
    """Do it, and again while the database is away: events may be delivered twice. What is refused stays refused."""
    for wait in PATIENCE:
        try:
            return write()
        except StoreError as error:
            if type(error) is not StoreError:  # the subclasses are answers, not failures
                raise
            log.warning("%s; trying again in %g s", error, wait)
            time.sleep(wait)
    return write()


def _observation(trial: TrialRecord) -> Observation:
    architecture = architecture_from_dict(trial.architecture)
    return Observation(trial.number, architecture, str(trial.status), trial.score, trial.iteration)
