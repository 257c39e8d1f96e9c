"""One driver's run of one search, inside a Ray that is connected."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from nas.spec import SearchSpec
from nas.store import SearchClosedError, SearchStatus, Store
from workers.controller import ENVIRONMENT, SearchController
from workers.ledger import Flight, Ledger, persist
from workers.preparation import GoOn, PreparationError, Show, await_resources, prepare_bank
from workers.trainable import Trainable
from workers.trial_task import TrialTask, search_folder

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

Prepare = Callable[[SearchSpec, "Workspace", Show, GoOn], bool]

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
    trainable: type[Trainable] = Trainable,
    prepare: Prepare = prepare_bank,
    interrupted: Callable[[], bool] = never,
) -> SearchStatus:
    """Run the search to its end, which is recorded and returned; what earlier drivers measured counts.

    Ends within seconds once the search is stopping in the record, or `interrupted` says so; the latter raises
    Interrupted unless the search is stopping. StaleAttemptError when another driver has taken over, StoreError when
    the database stays away. Whatever happens, no process of a trial is left.
    """
    search = persist(lambda: store.get_search(search_id))
    run = _Run(Ledger(store, search, attempt), workspace, trainable, prepare, interrupted)
    try:
        end = run.to_end()
    except SearchClosedError:
        end = run.told_to_end()
    shutil.rmtree(search_folder(workspace, search_id), ignore_errors=True)
    log.info("search %s: %s", search_id, end)
    return end


class _Run:
    """The stages of a search."""

    def __init__(
        self,
        ledger: Ledger,
        workspace: Workspace,
        trainable: type[Trainable],
        prepare: Prepare,
        interrupted: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._workspace = workspace
        self._trainable = trainable
        self._prepare = prepare
        self._interrupted = interrupted
        self._asked = time.monotonic()
        self._going_on = True

    def to_end(self) -> SearchStatus:
        ledger, spec = self._ledger, self._ledger.spec
        ledger.start()
        try:
            prepared = await_resources(spec.resources, ledger.show, self._go_on) and self._prepare(
                spec, self._workspace, ledger.show, self._go_on
            )
        except PreparationError as error:
            return ledger.finish(SearchStatus.FAILED, str(error))
        if prepared and self._trials():
            return ledger.conclude()
        return self.told_to_end()

    def told_to_end(self) -> SearchStatus:
        """The end of a search that was stopped, or ended by others, under the driver's hands; else Interrupted."""
        status = self._ledger.status()
        if status.terminal:
            return status
        if status is SearchStatus.STOPPING:
            return self._ledger.finish(SearchStatus.STOPPED)
        raise Interrupted(f"the driver of search {self._ledger.search_id} was told to end")

    def _trials(self) -> bool:
        """Run the trials; False when told to end before they are over."""
        self._ledger.replay()
        os.environ.update(ENVIRONMENT)
        scratch = search_folder(self._workspace, self._ledger.search_id)
        controller = SearchController(self._ledger, self._task, self._trainable, scratch)
        try:
            while not controller.is_finished():
                if not self._go_on():
                    controller.abort()
                    return False
                self._ledger.show_trials()
                controller.step()
            controller.cleanup()
        except BaseException:
            controller.abort()
            raise
        return True

    def _go_on(self) -> bool:
        """Whether nobody has told the driver to end, asking the record now and then."""
        if self._interrupted():
            return False
        if time.monotonic() - self._asked >= POLL_SECONDS:
            status = self._ledger.status()
            self._going_on = not (status is SearchStatus.STOPPING or status.terminal)
            self._asked = time.monotonic()
        return self._going_on

    def _task(self, flight: Flight) -> TrialTask:
        spec = self._ledger.spec
        return TrialTask(
            search_id=self._ledger.search_id,
            search_name=spec.name,
            number=flight.number,
            attempt=flight.attempt,
            architecture=flight.architecture,
            fidelity=spec.fidelity,
            seed=spec.seed,
            resources=spec.resources,
            workspace=self._workspace,
        )
