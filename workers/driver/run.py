"""One driver's run of one search, inside a Ray that is connected."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nas.kinds.plans import Need
from nas.kinds.registry import kind_of
from nas.results.status import SearchStatus
from nas.specs import AutoDeepLabSpec, JobSpec
from nas.store import SearchClosedError, Store
from workers.driver.preparation import PreparationError, ShouldContinue, Show, await_resources, prepare_all
from workers.driver.record import DriverRecord, persist
from workers.driver.run_book import RunBook
from workers.driver.training_free import score_training_free
from workers.driver.trial_book import MeasuredBefore, TrialBook
from workers.trainables.process import Process
from workers.trainables.run import RunProcess
from workers.trainables.task import search_folder
from workers.trainables.trial import TrialProcess
from workers.tune.controller import ENVIRONMENT, SearchController

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

Prepare = Callable[[JobSpec, Iterable[Need], "Workspace", Show, ShouldContinue], bool]

log = logging.getLogger("segnas.driver")

POLL_SECONDS = 2.0
"""How often the record is asked whether to go on: the second way to be stopped, beside a signal."""


class Interrupted(Exception):  # noqa: N818  it is no error: somebody ended the driver
    """The driver was told to end although its search goes on: the next driver takes over."""


def never() -> bool:
    """Nobody interrupts."""
    return False


def run_search(
    store: Store,
    search_id: str,
    attempt: int,
    workspace: Workspace,
    *,
    trial_process: type[TrialProcess] = TrialProcess,
    run_process: type[RunProcess] = RunProcess,
    prepare: Prepare = prepare_all,
    interrupted: Callable[[], bool] = never,
) -> SearchStatus:
    """Run the search to its end, which is recorded and returned; what earlier drivers measured counts.

    Ends within seconds once the search is stopping in the record, or `interrupted` says so; the latter raises
    Interrupted unless the search is stopping. StaleAttemptError when another driver has taken over, StoreError when
    the database stays away. Whatever happens, no process of a trial or a run is left.
    """
    search = persist(lambda: store.get_search(search_id))
    run = _Run(DriverRecord(store, search, attempt), workspace, trial_process, run_process, prepare, interrupted)
    try:
        end = run.to_end()
    except SearchClosedError:
        end = run.told_to_end()
    shutil.rmtree(search_folder(workspace, search_id), ignore_errors=True)
    log.info("search %s: %s", search_id, end)
    return end


class _Run:
    """The stages of a search."""

    def __init__(  # noqa: PLR0917  one argument for each thing that a test replaces
        self,
        driver: DriverRecord,
        workspace: Workspace,
        trial_process: type[TrialProcess],
        run_process: type[RunProcess],
        prepare: Prepare,
        interrupted: Callable[[], bool],
    ) -> None:
        self._driver = driver
        self._workspace = workspace
        self._trial_process = trial_process
        self._run_process = run_process
        self._prepare = prepare
        self._interrupted = interrupted
        self._asked = time.monotonic()
        self._continuing = True

    def to_end(self) -> SearchStatus:
        driver, spec = self._driver, self._driver.spec
        driver.start()
        try:
            if not await_resources(spec.resources, driver.show, self._should_continue):
                return self.told_to_end()
            runs = kind_of(spec).runs(spec)
            end = self._trials() if runs is None else self._differentiable(runs)
        except PreparationError as error:
            return driver.finish(SearchStatus.FAILED, str(error))
        return self.told_to_end() if end is None else end

    def told_to_end(self) -> SearchStatus:
        """The end of a search that was stopped, or ended by others, under the driver's hands; else Interrupted."""
        status = self._driver.status()
        if status.terminal:
            return status
        if status is SearchStatus.STOPPING:
            return self._driver.finish(SearchStatus.STOPPED)
        raise Interrupted(f"the driver of search {self._driver.search_id} was told to end")

    def _differentiable(self, spec: AutoDeepLabSpec) -> SearchStatus | None:
        """The runs, then the networks that they decoded to; None when told to end before."""
        runs = RunBook(self._driver, spec, self._workspace)
        runs.replay()
        if not self._work(runs, self._run_process):
            return None
        if len(runs.failed) == spec.seeds:
            return self._driver.finish(SearchStatus.FAILED, runs.said)
        return self._trials(runs.said)

    def _trials(self, note: str | None = None) -> SearchStatus | None:
        """Prepare and run the trials; None when told to end before they are over."""
        driver = self._driver
        plan = kind_of(driver.spec).plan(driver.spec, driver.search_id, driver.records)
        if not plan.size:
            return driver.finish(SearchStatus.COMPLETED, note)
        if not self._prepare(driver.spec, plan.needs, self._workspace, driver.show, self._should_continue):
            return None
        if not score_training_free(driver, self._workspace, self._should_continue):
            return None
        trial_book = TrialBook(driver, plan, self._workspace, measured_before(driver))
        trial_book.replay()
        return trial_book.conclude(note) if self._work(trial_book, self._trial_process) else None

    def _work(self, book: RunBook | TrialBook, process: type[Process]) -> bool:
        """Do all that the book has; False when told to end before it is over."""
        os.environ.update(ENVIRONMENT)
        controller = SearchController(book, process, search_folder(self._workspace, self._driver.search_id))
        try:
            while not controller.is_finished():
                if not self._should_continue():
                    controller.abort()
                    return False
                book.show_progress()
                controller.step()
            controller.cleanup()
        except BaseException:
            controller.abort()
            raise
        return True

    def _should_continue(self) -> bool:
        """Whether nobody has told the driver to end, asking the record now and then."""
        if self._interrupted():
            return False
        if time.monotonic() - self._asked >= POLL_SECONDS:
            status = self._driver.status()
            self._continuing = not (status is SearchStatus.STOPPING or status.terminal)
            self._asked = time.monotonic()
        return self._continuing


def measured_before(driver: DriverRecord) -> MeasuredBefore | None:
    """Finds what need not be run, where the search's kind takes over what other searches measured; else None."""
    adoption = kind_of(driver.spec).adoption(driver.spec, driver.records)
    if adoption is None:
        return None
    find, within = driver.store.find_measured, adoption.within
    return lambda architecture, fidelity, seed: persist(lambda: find(architecture, fidelity, seed, within=within))
