"""Keeps SQL and Ray in step: starts the drivers of queued searches, replaces lost drivers, stops jobs.

`api.decisions` chooses the next action of a search from its row and the state of its job; `Reconciler` performs the
actions, every few seconds, in a thread of its own. Several services may run on one store: each acts only on searches
whose lease it holds (`api.leases`), and every step is a compare-and-set or may be done twice, so that a lease that was
taken from a living service does no harm. No time of day is read: waits are lengths of a monotonic clock.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from api.budgets import pause_spent
from api.decisions import ACTIVE_JOB, Action, Loss, back_off, decide, explain_loss, setbacks_after
from api.driver_logs import DriverLogs
from api.leases import BEAT_SECONDS, LeaseKeeper
from api.metrics import Metrics
from nas.formatting import counted
from nas.logs import logged_with
from nas.results.status import SearchStatus
from nas.store import ConflictError, SearchRecord, Store, StoreError
from workers.cluster.health import Problems
from workers.cluster.jobs import ClusterUnreachable, JobEnd, JobState, job_id

log = logging.getLogger("segnas.reconciler")

STOP_AGAIN_SECONDS = 5.0
AWAY_SECONDS = 5.0
"""How long Ray must be away before the searches say that they wait for it."""

LONGEST_SUBMIT_PAUSE = 30.0
LEAVING_SECONDS = 30.0
"""How long the end of a finished search's job is waited for, to copy its whole log."""

CLOSING_SECONDS = 5.0
"""How long the end of the service may be delayed by copies of logs."""

HURRY_SECONDS = 0.5
"""Pause between passes while a search starts or stops, since a person may be waiting."""

WAITING = "waiting for Ray"


class JobCluster(Protocol):
    """The part of a cluster (`workers.cluster.jobs.Cluster`) that the service uses.

    Every method but `unreachable` and `problems` raises `ClusterUnreachable` when the cluster does not answer.
    """

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        """Submit the driver of an attempt and return the job's id; the same attempt again changes nothing."""
        ...

    def state(self, job: str, /) -> JobState:
        """Read the state of a job."""
        ...

    def ending(self, job: str, /) -> JobEnd:
        """Read how a job ended that is over."""
        ...

    def stop(self, job: str, /) -> None:
        """Request the end of a job, without waiting for it."""
        ...

    def logs(self, job: str, /) -> str:
        """Read what the driver has printed."""
        ...

    def dashboard_token(self) -> str | None:
        """Return the token that the dashboard asks people for; None where it asks for none."""
        ...

    def unreachable(self) -> str | None:
        """Say why the cluster cannot be used, as a sentence; None when it can."""
        ...

    def problems(self) -> Problems:
        """Find out which parts of the cluster cannot be used: a sentence for each, by the part's name."""
        ...


Driver = tuple[str, int]
"""A search's id and the driver's attempt."""


@dataclass
class _Memory:
    """What one reconciler remembers of a driver, by its own clock; another one begins anew, which only takes longer."""

    queued_since: float | None = None
    lost_since: float | None = None
    stop_sent: float | None = None
    refusals: int = 0
    submit_after: float | None = None
    had_job: bool = False


class Reconciler:
    """Performs the steps that `decide` chooses: `run_once` makes one pass, `start` makes passes in a thread.

    Args:
        store: The record.
        cluster: Where drivers run.
        seconds: The pause between passes.
        max_attempts: The number of drivers lost in a row, by their own fault and without progress, after which a
            search fails.
        logs: Where the drivers' logs are copied to.
        metrics: Counts the passes and the steps; None counts them for nobody.
        clock: A monotonic clock in seconds.
    """

    def __init__(
        self,
        store: Store,
        cluster: JobCluster,
        *,
        seconds: float,
        max_attempts: int,
        logs: DriverLogs,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._seconds = seconds
        self._max_attempts = max_attempts
        self._logs = logs
        self._metrics = metrics or Metrics()
        self._clock = clock
        owner = f"{socket.gethostname()[:200]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leases = LeaseKeeper(store, owner, clock)
        self._memory: dict[Driver, _Memory] = {}
        self._leaving: dict[Driver, float] = {}
        self._losses: dict[str, int] = {}
        self._why_away: str | None = None
        self._away_since = 0.0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start a daemon thread that makes passes."""
        assert self._thread is None
        self._thread = threading.Thread(target=self._loop, name="reconciler", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Make the next pass now, since a search was created or stopped."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread after its present pass, copy the logs of running drivers, and release the leases."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        try:
            self._leases.release()
        except StoreError as error:
            log.warning("the leases were not released (%s); another service takes them in some seconds", error)
        except Exception:
            log.warning("the leases were not released; another service takes them in some seconds", exc_info=True)
        self._copy_all_logs()

    def _copy_all_logs(self) -> None:
        """The Ray of this service may be about to end, and with it the logs."""
        until = self._clock() + CLOSING_SECONDS
        for driver in [*self._leaving, *(driver for driver, memory in self._memory.items() if memory.had_job)]:
            if self._why_away is not None or self._clock() > until or not self._logs.copy(*driver):
                return

    def _loop(self) -> None:
        while not self._closing.is_set():
            hurry = False
            try:
                with self._metrics.passes.time():
                    hurry = self.run_once()
            except StoreError as error:
                self._metrics.failed_passes.inc()
                log.warning("the store cannot be used: %s; the next pass tries again", error)
            except Exception:
                self._metrics.failed_passes.inc()
                log.exception("a pass failed; the next one tries again")
            self._rest(min(self._seconds, HURRY_SECONDS) if hurry else self._seconds)

    def _rest(self, seconds: float) -> None:
        """Wait until woken or for so long, with beats meanwhile; less where another service's lease was taken."""
        until = self._clock() + seconds
        while not self._wake.is_set() and (left := until - self._clock()) > 0:
            if not self._wake.wait(min(left, BEAT_SECONDS)) and left > BEAT_SECONDS:
                try:
                    if self._leases.tend() - {search_id for search_id, _ in self._memory}:
                        break
                except StoreError as error:
                    log.warning("the store cannot be used: %s", error)
        self._wake.clear()

    def run_once(self) -> bool:
        """Make one pass over all searches that are neither over nor paused and whose lease this service holds.

        Returns:
            Whether one of them is about to start, to stop or to pause, so that the next pass should come soon.
        """
        held = self._leases.tend()
        mine = [search for search in self._store.due_searches() if search.id in held]
        answers = self._cluster_answers()
        self._see_out(mine, answers)
        attend = self._attend if answers else self._await_cluster
        hurry = self._pause_spent(mine)
        for search in mine:
            if self._closing.is_set():
                break
            with logged_with(search=search.id):
                try:
                    self._leases.beat(after=BEAT_SECONDS / 2)
                    hurry |= attend(search)
                except (ClusterUnreachable, StoreError) as error:
                    log.warning("search %s waits: %s", search.id, error)
                except Exception:
                    log.exception("search %s could not be attended to; the next pass tries again", search.id)
        return hurry

    def _pause_spent(self, searches: list[SearchRecord]) -> bool:
        """Pause what has spent its budget; where that cannot be found out, the searches go on."""
        try:
            return pause_spent(self._store, searches)
        except StoreError:
            raise
        except Exception:
            log.exception("the budgets could not be looked at; the next pass tries again")
            return False

    def _cluster_answers(self) -> bool:
        before, self._why_away = self._why_away, self._cluster.unreachable()
        self._metrics.ray_up.set(self._why_away is None)
        if self._why_away is None:
            if before is not None:
                log.info("Ray answers")
            return True
        if before is None:
            self._away_since = self._clock()
            log.warning("Ray cannot be used: %s", self._why_away)
        return False

    def _await_cluster(self, search: SearchRecord) -> bool:
        if self._clock() - self._away_since >= AWAY_SECONDS:
            self._explain(search, f"{WAITING}: {(self._why_away or '')[:500]}")
        return False

    def _explain(self, search: SearchRecord, waiting: str | None) -> None:
        """Change what the search's message says about waiting, after what it says else."""
        rest = (search.message or "").partition(WAITING)[0].removesuffix("; ")
        message = "; ".join(part for part in (rest, waiting) if part) or None
        if message != search.message:
            self._store.replace_message(search.id, search.message, message)

    def _attend(self, search: SearchRecord) -> bool:
        """Perform the next step of a search; true where another one is expected soon."""
        driver = (search.id, search.attempt)
        memory = self._memory.setdefault(driver, _Memory())
        has_job = search.attempt > 0 and search.status is not SearchStatus.QUEUED
        job = self._cluster.state(job_id(*driver)) if has_job else None
        before, search = search, self._store.get_search(search.id)
        if search.attempt != before.attempt or (search.status is not SearchStatus.QUEUED) != has_job:
            return True  # the search changed meanwhile, so the state that was read is not that of its present job
        if memory.submit_after is None:
            self._explain(search, None)
        if job in ACTIVE_JOB:
            memory.had_job = True
            self._logs.copy_sometimes(*driver)
        queued_for, lost_for = self._measure(memory, search, job)
        action = decide(search, job, queued_for=queued_for, lost_for=lost_for)
        if action is Action.WAIT:
            return search.status is SearchStatus.STARTING
        if action is Action.SUBMIT and memory.submit_after is not None and self._clock() < memory.submit_after:
            return False
        log.info("search %s (%s, driver %d, job %s): %s", search.id, search.status, search.attempt, job, action.name)
        self._act(action, search, job, memory)
        self._metrics.actions.labels(action.name.lower()).inc()
        return True

    def _measure(self, memory: _Memory, search: SearchRecord, job: JobState | None) -> tuple[float, float]:
        """For how long the search has been seen in the queue, and its job as lost."""
        now = self._clock()
        if search.status is SearchStatus.QUEUED and memory.queued_since is None:
            memory.queued_since = now
        # A submission that is refused is repeated as the same driver, however long that takes.
        if job is not JobState.lost or memory.submit_after is not None:
            memory.lost_since = None
        elif memory.lost_since is None:
            memory.lost_since = now
        queued, lost = memory.queued_since, memory.lost_since
        return (0.0 if queued is None else now - queued), (0.0 if lost is None else now - lost)

    def _act(self, action: Action, search: SearchRecord, job: JobState | None, memory: _Memory) -> None:
        if action is Action.BEGIN:
            self._begin(search)
        elif action is Action.SUBMIT:
            self._submit(search, search.attempt, memory)
        elif action is Action.STOP_JOB:
            self._stop_job(search, memory)
        elif action is Action.MARK_STOPPED:
            if job is not None:
                self._logs.copy(search.id, search.attempt)
            self._store.move_search(search.id, [SearchStatus.STOPPING], SearchStatus.STOPPED)
            self._store.move_search(search.id, [SearchStatus.PAUSING], SearchStatus.PAUSED)
        elif action is Action.REPLACE:
            assert job is not None
            self._replace(search, job)

    def _begin(self, search: SearchRecord) -> None:
        try:
            attempt = self._store.begin_driver(search.id)
        except ConflictError:
            return  # since it was read, the search was stopped, or another service has begun it
        self._submit(search, attempt, self._memory.setdefault((search.id, attempt), _Memory()))

    def _submit(self, search: SearchRecord, attempt: int, memory: _Memory) -> None:
        try:
            self._cluster.submit(search.id, attempt, search.spec.name)
        except ClusterUnreachable as error:
            memory.refusals += 1
            memory.submit_after = self._clock() + min(back_off(memory.refusals), LONGEST_SUBMIT_PAUSE)
            self._explain(search, f"{WAITING} to take driver {attempt} ({str(error)[:500]})")
            raise
        memory.refusals, memory.submit_after, memory.had_job = 0, None, True

    def _stop_job(self, search: SearchRecord, memory: _Memory) -> None:
        if memory.stop_sent is None or self._clock() - memory.stop_sent >= STOP_AGAIN_SECONDS:
            memory.stop_sent = self._clock()
            self._cluster.stop(job_id(search.id, search.attempt))

    def _replace(self, search: SearchRecord, job: JobState) -> None:
        """Queue the search for another driver, or fail it where too many were lost without progress."""
        end = self._cluster.ending(job_id(search.id, search.attempt)) if job is JobState.failed else None
        loss, progressed = explain_loss(job, end), self._store.progressed(search.id)
        setbacks = setbacks_after(loss, search.setbacks, progressed=progressed)
        self._metrics.lost_drivers.labels("search" if loss.own_fault else "outside").inc()
        self._logs.copy(search.id, search.attempt)
        if loss.own_fault and setbacks >= self._max_attempts:
            self._fail(search, loss, setbacks)
            return
        losses = self._losses[search.id] = 1 if progressed else max(self._losses.get(search.id, 0) + 1, setbacks)
        message = f"driver {search.attempt} {loss.reason}"
        if setbacks > 1:
            message += f"; {setbacks} of {self._max_attempts} drivers in a row without progress"
        self._store.requeue_search(search.id, search.attempt, back_off(losses), message, setbacks=setbacks)

    def _fail(self, search: SearchRecord, loss: Loss, setbacks: int) -> None:
        lines = self._logs.last_lines(search.id, search.attempt)
        message = f"driver {search.attempt} {loss.reason}; {counted(setbacks, 'driver')} in a row made no progress"
        message += f"; the last lines of the log: {lines}" if lines else ""
        expected = [SearchStatus.STARTING, SearchStatus.RUNNING]
        self._store.move_search(search.id, expected, SearchStatus.FAILED, message=message, attempt=search.attempt)

    def _see_out(self, mine: Iterable[SearchRecord], answers: bool) -> None:
        """Forget drivers that are gone, after a last copy of the log of one that has ended its search."""
        present = {(search.id, search.attempt) for search in mine}
        ids = {search_id for search_id, _ in present}
        for driver in self._memory.keys() - present:
            if self._memory.pop(driver).had_job and driver[0] not in ids:
                self._leaving[driver] = self._clock()
        self._losses = {search_id: losses for search_id, losses in self._losses.items() if search_id in ids}
        for driver, since in list(self._leaving.items()):
            try:
                over = answers and self._cluster.state(job_id(*driver)).final
            except ClusterUnreachable:
                over = False
            if over or self._clock() - since >= LEAVING_SECONDS:
                self._logs.copy(*driver)
                del self._leaving[driver]
