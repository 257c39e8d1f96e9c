"""The driver's record of a differentiable search's runs, one for each seed: snapshots go into SQL as they come.

A run is no trial: it has no architecture until it decodes to one, and many in the end. A resubmitted driver starts
unfinished runs again; each continues from its checkpoint and repeats the snapshots it had, which are recorded once.
Processes that died are counted over all drivers, and a run that failed stays failed, as it is with trials.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.results.snapshot import Snapshot
from nas.specs import AutoDeepLabSpec, Resources
from nas.store import RunRecord
from workers.driver.record import DriverRecord, persist
from workers.trainables.message import Measured, Progress
from workers.trainables.task import RunTask

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

log = logging.getLogger("segnas.driver")

STAGE = "search"
"""The stage's name in the record, while runs are searched."""


class RunBook:
    """One driver's book of a differentiable search's runs (see `workers.tune.book.Book`).

    Its methods raise what those of `DriverRecord` raise.

    Args:
        driver: Writes the search's record.
        spec: The search.
        workspace: Where data sets, caches and checkpoints are.

    Attributes:
        failed: The failed runs and why, those of earlier drivers included.
    """

    def __init__(self, driver: DriverRecord, spec: AutoDeepLabSpec, workspace: Workspace) -> None:
        self._driver = driver
        self._spec = spec
        self._workspace = workspace
        self._left: deque[RunTask] = deque()
        self._tasks: dict[int, RunTask] = {}
        self._epochs = dict.fromkeys(range(spec.seeds), 0.0)
        self._shown = -1
        self.failed: dict[int, str] = {}

    @property
    def resources(self) -> Resources:
        """What each run takes."""
        return self._spec.resources

    @property
    def retries(self) -> int:
        """How many new attempts a run gets whose process died."""
        return self._spec.retries

    @property
    def exhausted(self) -> bool:
        """Whether every run has been launched."""
        return not self._left

    @property
    def message(self) -> str | None:
        """One sentence on the runs that failed, for the search's record; None when none did."""
        failures = [f"run {run} failed: {reason}" for run, reason in sorted(self.failed.items())]
        return "; ".join(failures) or None

    def replay(self) -> None:
        """Read what earlier drivers recorded, and queue the runs that are not over."""
        recorded = persist(lambda: self._driver.store.snapshots(self._driver.search_id))
        setbacks = persist(lambda: self._driver.store.runs(self._driver.search_id))
        over = set()
        for record in recorded:
            self._advance(record.run, record.snapshot)
            if record.snapshot.finished:
                over.add(record.run)
        for run in setbacks.values():
            if run.reason is not None:
                over.add(run.run)
                self._fail(run.run, run.reason)
        self._left = deque(
            self._task(run, setbacks.get(run, RunRecord(run)).deaths)
            for run in range(self._spec.seeds)
            if run not in over
        )
        if recorded or setbacks:
            log.info("%d snapshots recorded, %d of %d runs over", len(recorded), len(over), self._spec.seeds)

    def launch(self) -> RunTask | None:
        """Take the next run; None when none is left."""
        if not self._left:
            return None
        task = self._left.popleft()
        self._tasks[task.number] = task
        return task

    def relaunch(self, number: int) -> int:
        """Record that a run's process died; its new attempt, which is returned, continues from its checkpoint."""
        driver, task = self._driver, self._tasks[number]
        deaths = task.deaths + 1
        persist(lambda: driver.store.record_deaths(driver.search_id, driver.attempt, number, deaths))
        self._tasks[number] = task = replace(task, attempt=task.attempt + 1, deaths=deaths)
        log.warning("run %d: its process died; attempt %d", number, task.attempt, extra={"run": number})
        return task.attempt

    def should_continue(self, number: int, message: Measured[Snapshot]) -> bool:  # noqa: ARG002  asked of every book
        """Always true: a run has its own remedies against collapse, within `nas.training.bilevel`."""
        return True

    def record(self, number: int, message: Measured[Snapshot] | Progress) -> None:
        """Record a snapshot in SQL, or remember how far a run is."""
        if isinstance(message, Progress):
            self._epochs[number] = message.done * self._spec.bilevel.epochs / message.total
            return
        snapshot, driver = message.result, self._driver
        persist(lambda: driver.store.add_snapshot(driver.search_id, driver.attempt, number, snapshot))
        self._advance(number, snapshot)
        log.info(
            "run %d, epoch %d: supernet %.4f", number, snapshot.epoch, snapshot.supernet_miou, extra={"run": number}
        )

    def end(self, number: int, reason: str | None = None, node: str | None = None) -> None:
        """Remember that a run is over; record why when it failed."""
        if reason is None:
            self._epochs[number] = self._spec.bilevel.epochs
            return
        driver, where = self._driver, "" if node is None else f" on {node}"
        log.warning("run %d failed%s: %s", number, where, reason, extra={"run": number})
        persist(lambda: driver.store.fail_run(driver.search_id, driver.attempt, number, reason))
        self._fail(number, reason)

    def show_progress(self) -> None:
        """Record how far all runs are together, in percent, when that has changed."""
        done = round(100 * sum(self._epochs.values()) / (self._spec.seeds * self._spec.bilevel.epochs))
        if done != self._shown:
            self._shown = done
            self._driver.show(STAGE, done, 100)

    def _advance(self, run: int, snapshot: Snapshot) -> None:
        self._epochs[run] = self._spec.bilevel.epochs if snapshot.finished else snapshot.epoch

    def _fail(self, run: int, reason: str) -> None:
        self.failed[run] = reason
        self._epochs[run] = self._spec.bilevel.epochs

    def _task(self, run: int, deaths: int) -> RunTask:
        return RunTask(
            search_id=self._driver.search_id,
            search_name=self._spec.name,
            number=run,
            attempt=deaths + 1,
            deaths=deaths,
            resources=self._spec.resources,
            workspace=self._workspace,
            spec=self._spec,
        )
