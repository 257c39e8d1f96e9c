"""The run of one search by one driver, in a process that is connected to Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nas.aids import writable_folder
from nas.kinds.plans import Need, Plan
from nas.kinds.registry import kind_of
from nas.results.status import SearchStatus
from nas.specs import AutoDeepLabSpec, JobSpec
from nas.store import SearchClosedError, Store, TrialRecord
from search_spaces.validation import InputError
from workers.driver.environments import Environments
from workers.driver.free_memory import FreeMemory
from workers.driver.leftovers import clear_leftovers
from workers.driver.preparation import PreparationError, Reached, ShouldContinue, Show, await_resources, prepare_all
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

Prepare = Callable[[JobSpec, Iterable[Need], "Workspace", Show, ShouldContinue, Reached], bool]

log = logging.getLogger("segnas.driver")

POLL_SECONDS = 2.0
"""How often the record is asked whether the search is stopping: the second way to stop a driver, beside a signal."""


class Interrupted(Exception):  # noqa: N818  it is no error: somebody ended the driver
    """The driver was asked to end although its search is not stopping: the next driver takes over."""


def never() -> bool:
    """Always false: the default for drivers that nobody interrupts."""
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
    """Run a search to its end, from where earlier drivers were.

    Ends within seconds once the search is stopping or pausing in the record, or `interrupted` returns true. Whatever
    happens, no process of a trial or a run is left. The checkpoints of trials that were broken off stay until the
    search is completed or deleted, so that a resumed search continues from them.

    Args:
        store: The record.
        search_id: The search.
        attempt: The number of this driver; the record refuses what others write.
        workspace: Where data sets, caches and checkpoints are.
        trial_process: The class of the processes that measure trials.
        run_process: The class of the processes that do the runs of a differentiable search.
        prepare: Makes what the trials share, such as feature banks, before the first one.
        interrupted: Whether the driver was asked to end; called often.

    Returns:
        The status that the search ended with, which is recorded.

    Raises:
        Interrupted: `interrupted` returned true, and the search is neither stopping nor pausing.
        NotFoundError: The search was deleted.
        StaleAttemptError: Another driver has taken over.
        StoreError: The database stays away.
    """
    search = persist(lambda: store.get_search(search_id))
    run = _Run(DriverRecord(store, search, attempt), workspace, trial_process, run_process, prepare, interrupted)
    try:
        end = run.to_end()
    except SearchClosedError:
        end = run.finish_stopped()
    if end is SearchStatus.COMPLETED:
        shutil.rmtree(search_folder(workspace, search_id), ignore_errors=True)
        clear_leftovers(store, workspace.artifacts)
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
                return self.finish_stopped()
            runs = kind_of(spec).runs(spec)
            end = self._trials() if runs is None else self._differentiable(runs)
        except PreparationError as error:
            return driver.finish(SearchStatus.FAILED, str(error))
        return self.finish_stopped() if end is None else end

    def finish_stopped(self) -> SearchStatus:
        """Record that the search was stopped or paused, unless others did; Interrupted when neither is the case."""
        while not (status := self._driver.status()).at_rest:
            if not status.ending:
                raise Interrupted(f"the driver of search {self._driver.search_id} was asked to end")
            with contextlib.suppress(SearchClosedError):  # a pausing search was stopped meanwhile: look again
                stopping = status is SearchStatus.STOPPING
                return self._driver.finish(SearchStatus.STOPPED if stopping else SearchStatus.PAUSED)
        return status

    def _differentiable(self, spec: AutoDeepLabSpec) -> SearchStatus | None:
        """The runs, then the networks that they decoded to; None when stopped before they are over."""
        runs = RunBook(self._driver, spec, self._workspace)
        runs.replay()
        if not self._work(runs, self._run_process):
            return None
        if len(runs.failed) == spec.seeds:
            return self._driver.finish(SearchStatus.FAILED, runs.message)
        return self._trials(runs.message)

    def _trials(self, note: str | None = None) -> SearchStatus | None:
        """Prepare and run the trials; None when stopped before they are over."""
        driver = self._driver
        plan = self._plan()
        if not plan.size:
            return driver.finish(SearchStatus.COMPLETED, note)
        reports = (driver.show, self._should_continue, driver.reached)
        if not self._prepare(driver.spec, plan.needs, self._workspace, *reports):
            return None
        if not score_training_free(driver, self._workspace, self._should_continue, len(plan.needs)):
            return None
        environment = Environments(driver.spec, plan.needs, self._workspace)
        before = measured_before(driver, environment)
        if before is not None and not environment.find(self._should_continue):
            return None
        trial_book = TrialBook(driver, plan, self._workspace, before)
        trial_book.replay()
        return trial_book.conclude(note) if self._work(trial_book, self._trial_process) else None

    def _plan(self) -> Plan:
        driver = self._driver
        try:
            return kind_of(driver.spec).plan(driver.spec, driver.search_id, driver.records)
        except InputError as error:
            raise PreparationError(str(error)) from error

    def _work(self, book: RunBook | TrialBook, process: type[Process]) -> bool:
        """Run all tasks of the book; False when stopped before they are over."""
        os.environ.update(ENVIRONMENT)
        folder = search_folder(self._workspace, self._driver.search_id) / f"driver-{self._driver.attempt}"
        scratch = writable_folder(folder, "scratch folder")
        controller, memory = SearchController(book, process, scratch), FreeMemory.of_this_process()
        try:
            while not controller.is_finished():
                if not self._should_continue():
                    controller.abort()
                    return False
                book.show_progress()
                memory.give_back_sometimes()
                controller.step()
            controller.cleanup()
        except BaseException:
            controller.abort()
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return True

    def _should_continue(self) -> bool:
        """Whether nobody stops the driver or its search; asks the record every `POLL_SECONDS`."""
        if self._interrupted():
            return False
        if time.monotonic() - self._asked >= POLL_SECONDS:
            status = self._driver.status()
            self._continuing = not (status.ending or status.at_rest)
            self._asked = time.monotonic()
        return self._continuing


def measured_before(driver: DriverRecord, environment: Callable[[str], str]) -> MeasuredBefore | None:
    """Make the function that finds what need not be run, where the search's kind adopts trials; else None.

    Args:
        driver: The search.
        environment: Gives the key of the environment in which trials of a fidelity (by its key) will be measured.
    """
    adoption = kind_of(driver.spec).adoption(driver.spec, driver.records)
    if adoption is None:
        return None
    find, within = driver.store.find_measured, adoption.within

    def found(architecture: str, fidelity: str, seed: int) -> tuple[str, TrialRecord] | None:
        here = environment(fidelity)
        return persist(lambda: find(architecture, fidelity, seed, here, within=within))

    return found
