"""The driver's record of a differentiable search's runs, one for each seed: snapshots go into SQL as they come.

A run is no trial: it has no architecture until it decodes to one, and many in the end. A resubmitted driver starts
unfinished runs again; each continues from its checkpoint and repeats the snapshots it had, which are recorded once.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.results.snapshot import Snapshot
from nas.specs import AutoDeepLabSpec, Resources
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
        failed: The failed runs and why. Not in the record: the next driver would try them again.
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
        over = set()
        for record in recorded:
            self._advance(record.run, record.snapshot)
            if record.snapshot.finished:
                over.add(record.run)
        self._left = deque(self._task(run) for run in range(self._spec.seeds) if run not in over)
        if recorded:
            log.info("%d snapshots recorded, %d of %d runs over", len(recorded), len(over), self._spec.seeds)

    def launch(self) -> RunTask | None:
        """Take the next run; None when none is left."""
        if not self._left:
            return None
        task = self._left.popleft()
        self._tasks[task.number] = task
        return task

    def relaunch(self, number: int) -> int:
        """Count a new attempt of a run whose process died, and return it; the run continues from its checkpoint."""
        self._tasks[number] = replace(self._tasks[number], attempt=self._tasks[number].attempt + 1)
        log.warning("run %d: its process died; attempt %d", number, self._tasks[number].attempt, extra={"run": number})
        return self._tasks[number].attempt

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
        """Remember that a run is over, and why when it failed."""
        if reason is not None:
            self.failed[number] = reason
            where = "" if node is None else f" on {node}"
            log.warning("run %d failed%s: %s", number, where, reason, extra={"run": number})
        self._epochs[number] = self._spec.bilevel.epochs

    def show_progress(self) -> None:
        """Record how far all runs are together, in percent, when that has changed."""
        done = round(100 * sum(self._epochs.values()) / (self._spec.seeds * self._spec.bilevel.epochs))
        if done != self._shown:
            self._shown = done
            self._driver.show(STAGE, done, 100)

    def _advance(self, run: int, snapshot: Snapshot) -> None:
        self._epochs[run] = self._spec.bilevel.epochs if snapshot.finished else snapshot.epoch

    def _task(self, run: int) -> RunTask:
        return RunTask(
            search_id=self._driver.search_id,
            search_name=self._spec.name,
            number=run,
            resources=self._spec.resources,
            workspace=self._workspace,
            spec=self._spec,
        )
