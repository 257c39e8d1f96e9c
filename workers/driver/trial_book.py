"""The driver's record of its trials: every event goes into SQL first, then to the plan (strategy, early stopping).

A resubmitted driver fills its book from SQL, so it proposes and stops as the lost one would have.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from nas.formatting import counted
from nas.kinds.plans import Plan
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.standing import Standing
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import Fidelity, Resources
from nas.store import NotFoundError, TrialRecord
from workers.driver.prediction_book import PredictionBook
from workers.driver.record import DriverRecord, persist
from workers.trainables.message import Measured, Progress
from workers.trainables.task import TrialTask

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

log = logging.getLogger("segnas.driver")

MeasuredBefore = Callable[[str, str, int], tuple[str, TrialRecord] | None]
"""Finds a completed trial by architecture key, fidelity key and seed: the id of its search, and the trial."""


@dataclass
class _Flight:
    """A trial that runs, or will when a process is free: its latest attempt and its deepest measurement.

    Attributes:
        judged: Whether early stopping judged the trial at the rung from which it now continues.
    """

    task: TrialTask
    last: Measurement | None = None
    judged: bool | None = None


class _Source(NamedTuple):
    """A completed trial of another search, with its learning curve."""

    search_id: str
    number: int
    curve: Sequence[Measurement]


class TrialBook:
    """One driver's book of its search's trials (see `workers.tune.book.Book`).

    Its methods raise what those of `DriverRecord` raise.

    Args:
        driver: Writes the search's record.
        plan: Proposes the trials and decides on early stopping.
        workspace: Where data sets, caches and checkpoints are.
        measured_before: Finds trials of other searches with the same architecture, fidelity and seed as a proposal;
            these are adopted instead of run.
    """

    def __init__(
        self, driver: DriverRecord, plan: Plan, workspace: Workspace, measured_before: MeasuredBefore | None = None
    ) -> None:
        self._driver = driver
        self._store = driver.store
        self._search_id = driver.search_id
        self._plan = plan
        self._goals = driver.spec.goals
        self._workspace = workspace
        self._measured_before = measured_before
        self._predictions = PredictionBook(driver.store, driver.search_id)
        self._flights: dict[int, _Flight] = {}
        self._resumed: deque[_Flight] = deque()
        self._ended = 0
        self._scored = 0
        self._shown, self._shown_at = -1, 0.0
        self._last_reason = ""

    @property
    def resources(self) -> Resources:
        """What each trial takes."""
        return self._driver.spec.resources

    @property
    def retries(self) -> int:
        """How many new attempts a trial gets whose process died."""
        return self._driver.spec.retries

    @property
    def exhausted(self) -> bool:
        """Whether every trial of the search has been launched."""
        return not self._resumed and self._plan.finished

    def replay(self) -> None:
        """Read what earlier drivers recorded.

        Trials that ran under them, or were stopped when the search was stopped, are launched first, as new attempts.
        """
        recorded = persist(lambda: self._store.all_trials(self._search_id))
        curves = persist(lambda: self._store.measurements(self._search_id))
        reopened = {trial.number for trial in recorded if trial.status is TrialStatus.STOPPED}
        trials = [self._close_measured(self._reopen(trial)) for trial in recorded]
        self._plan.restore(trials, curves)
        for trial in trials:
            if trial.status.terminal:
                self._count(trial.status, trial.reason)
                continue
            attempt = trial.attempt if trial.number in reopened else self._begin_attempt(trial.number)
            task = self._task(self._plan.fidelity_of(trial), trial, attempt)
            curve = curves.get(trial.number)
            self._resumed.append(_Flight(task, curve[-1] if curve else None))
        if trials:
            log.info("%d trials recorded, %d of them in flight: these go on first", len(trials), len(self._resumed))

    def launch(self) -> TrialTask | None:
        """Record the next trial as running and return its task; None when none is left."""
        flight = self._resumed.popleft() if self._resumed else self._propose()
        if flight is None:
            return None
        self._flights[flight.task.number] = flight
        return flight.task

    def relaunch(self, number: int) -> int:
        """Record a new attempt of a trial whose process died, and return it."""
        flight = self._flights[number]
        deaths = flight.task.deaths + 1
        flight.task = replace(flight.task, attempt=self._begin_attempt(number, deaths), deaths=deaths)
        log.warning("trial %d: its process died; attempt %d", number, flight.task.attempt, extra={"trial": number})
        return flight.task.attempt

    def should_continue(self, number: int, message: Measured[Measurement]) -> bool:
        """Ask the plan (early stopping) whether a trial that has reached a rung continues."""
        continues = self._plan.should_continue(number, message.result)
        self._flights[number].judged = self._plan.judged(number, message.result) if continues else None
        return continues

    def record(self, number: int, message: Measured[Measurement] | Progress) -> None:
        """Record a rung of a trial in SQL, unless an earlier attempt has recorded it. Progress is not recorded."""
        if isinstance(message, Progress):
            return
        flight, measurement = self._flights[number], message.result
        if flight.last is None or measurement.iteration > flight.last.iteration:
            judged, flight.judged = flight.judged, None
            record, attempt, node = self._store.record_measurement, message.attempt, message.node
            value = self._goals.value(measurement)
            persist(lambda: record(self._search_id, number, attempt, measurement, judged, node, value=value))
            flight.last = measurement
            log.info("trial %d: %.4f at %d", number, measurement.score, measurement.iteration, extra={"trial": number})
        if message.predictions is not None:
            self._predictions.record(number, message.attempt, message.predictions)

    def end(self, number: int, reason: str | None = None, node: str | None = None) -> None:
        """Record the end of a trial: failed for a reason, else completed at its last rung, else stopped early."""
        flight = self._flights.pop(number)
        status = TrialStatus.PRUNED
        if reason is not None:
            status = TrialStatus.FAILED
            where = "" if node is None else f" on {node}"
            log.warning("trial %d failed%s: %s", number, where, reason, extra={"trial": number})
        elif flight.last is not None and flight.last.iteration == flight.task.fidelity.iterations:
            status = TrialStatus.COMPLETED
        finish, attempt = self._store.finish_trial, flight.task.attempt
        persist(lambda: finish(self._search_id, number, attempt, status, reason, node))
        self._count(status, reason)
        self._plan.tell(number, flight.task.architecture, status, flight.last)

    def show_progress(self) -> None:
        """Record how many trials are over, when that has changed; at most once a second."""
        if self._shown != self._ended and time.monotonic() - self._shown_at >= 1.0:
            self._shown, self._shown_at = self._ended, time.monotonic()
            self._show()

    def conclude(self, note: str | None = None) -> SearchStatus:
        """Record the end of a search whose trials are all over: failed when not one of them has a score.

        Args:
            note: One sentence on the search's first stages, if there is one; it goes before the plan's.

        Returns:
            The status that was recorded.
        """
        self._show()
        if self._scored:
            return self._driver.finish(SearchStatus.COMPLETED, note or self._plan.note)
        return self._driver.finish(
            SearchStatus.FAILED,
            f"none of the {counted(self._ended, 'trial')} could be measured; the last one: {self._last_reason}",
        )

    def _show(self) -> None:
        self._driver.show("trials", self._ended, self._plan.size)

    def _begin_attempt(self, number: int, deaths: int | None = None) -> int:
        begin, driver = self._store.begin_attempt, self._driver.attempt
        return persist(lambda: begin(self._search_id, number, driver, deaths))

    def _propose(self) -> _Flight | None:
        """The next proposal that has to be run; those measured before are adopted on the way."""
        while (proposal := self._plan.propose()) is not None:
            if not self._adopt(proposal):
                return self._add(proposal)
        return None

    def _add(self, proposal: Proposal) -> _Flight:
        trial = persist(lambda: self._store.add_trial(self._search_id, self._driver.attempt, proposal))
        return _Flight(self._task(proposal.fidelity, trial, trial.attempt))

    def _adopt(self, proposal: Proposal) -> bool:
        """Whether the proposal was measured before; then it is recorded with its source.

        Early stopping judges an adopted trial as one that runs: so the search goes on as if it had been trained.
        """
        source = self._source_of(proposal)
        if source is None:
            return False
        last, unjudged = self._judge(proposal.number, source.curve)
        pruned_at = None if last is source.curve[-1] else last.iteration
        adopt, driver, value = self._store.adopt_trial, self._driver.attempt, self._goals.value(last)
        try:
            adopted = persist(
                lambda: adopt(
                    self._search_id,
                    driver,
                    proposal,
                    source.search_id,
                    source.number,
                    pruned_at=pruned_at,
                    unjudged=unjudged,
                    value=value,
                )
            )
        except NotFoundError:  # the source was deleted a moment ago, or this search; the caller finds out which
            return False
        assert adopted.status.terminal, adopted.number  # numbers on record are not proposed again
        before = "trial %d was measured before, as trial %d of %s"
        log.info(before, proposal.number, source.number, source.search_id, extra={"trial": proposal.number})
        self._count(adopted.status, None)
        self._plan.tell(proposal.number, adopted.architecture, adopted.status, last)
        return True

    def _source_of(self, proposal: Proposal) -> _Source | None:
        """Find a trial of another search from which the proposal can be adopted."""
        if self._measured_before is None:
            return None
        found = self._measured_before(proposal.architecture.key, proposal.fidelity.key, proposal.seed)
        if found is None:
            return None
        search_id, trial = found
        curve = persist(lambda: self._store.curve(search_id, trial.number))
        if not all(map(self._goals.admits, curve)):  # no latency is known, or it is too long: the trial says so itself
            return None
        return _Source(search_id, trial.number, curve)

    def _judge(self, number: int, curve: Sequence[Measurement]) -> tuple[Measurement, Standing | None]:
        """Ask early stopping about a recorded curve as if it were measured now.

        Returns:
            The measurement with which the trial ends, and the first rung that it passed unjudged.
        """
        unjudged: Standing | None = None
        for measurement in curve[:-1]:
            if not self._plan.should_continue(number, measurement):
                return measurement, unjudged
            judged = self._plan.judged(number, measurement)
            if judged is not None:
                value = self._goals.value(measurement)
                assert value is not None, "only such curves are adopted"
                unjudged = None if judged else unjudged or (measurement.iteration, value)
        return curve[-1], unjudged

    def _task(self, fidelity: Fidelity, trial: TrialRecord, attempt: int) -> TrialTask:
        return TrialTask(
            search_id=self._search_id,
            search_name=self._driver.spec.name,
            number=trial.number,
            attempt=attempt,
            deaths=trial.deaths,
            resources=self.resources,
            workspace=self._workspace,
            architecture=trial.architecture,
            fidelity=fidelity,
            seed=trial.seed,
            goals=self._goals,
        )

    def _reopen(self, trial: TrialRecord) -> TrialRecord:
        """A search that is driven has no stopped trials: those that were stopped with it before go on."""
        if trial.status is not TrialStatus.STOPPED:
            return trial
        attempt = self._begin_attempt(trial.number)
        return replace(trial, status=TrialStatus.RUNNING, attempt=attempt, finished_at=None, reason=None)

    def _close_measured(self, trial: TrialRecord) -> TrialRecord:
        """A driver may die between a trial's last rung and its end: then nothing is left to run."""
        if trial.status.terminal or trial.iteration != self._plan.fidelity_of(trial).iterations:
            return trial
        persist(lambda: self._store.finish_trial(self._search_id, trial.number, trial.attempt, TrialStatus.COMPLETED))
        return persist(lambda: self._store.get_trial(self._search_id, trial.number))

    def _count(self, status: TrialStatus, reason: str | None) -> None:
        self._ended += 1
        self._scored += status in (TrialStatus.COMPLETED, TrialStatus.PRUNED)
        self._last_reason = reason or self._last_reason
