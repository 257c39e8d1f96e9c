"""Keeps SQL and Ray in step: starts the drivers of queued searches, replaces lost drivers, stops jobs.

`decide` chooses the next action of a search from its row and the state of its job; `Reconciler` performs the actions,
every few seconds, in a thread of its own. Several services may run on one store: each acts only on searches whose
lease it holds, and every step is a compare-and-set or may be done twice, so that an expired lease does no harm.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from nas.results.status import SearchStatus
from nas.store import ConflictError, SearchRecord, Store, StoreError
from workers.cluster.jobs import ClusterUnreachable, JobState, job_id

log = logging.getLogger("segnas.reconciler")

LEASE_SECONDS = 60.0
LOST_SECONDS = 10.0
"""How long a job must be unknown to a cluster that answers before its driver counts as lost."""

FIRST_BACK_OFF = 2.0
LONGEST_BACK_OFF = 300.0
STOP_AGAIN_SECONDS = 5.0
HURRY_SECONDS = 0.5
"""Pause between passes while a search starts or stops, since a person may be waiting."""

ACTIVE_JOB = (JobState.pending, JobState.running)


class JobCluster(Protocol):
    """The part of a cluster (`workers.cluster.jobs.Cluster`) that the service uses.

    Every method but `reachable` raises `ClusterUnreachable` when the cluster does not answer.
    """

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        """Submit the driver of an attempt and return the job's id; the same attempt again changes nothing."""
        ...

    def state(self, job: str, /) -> JobState:
        """Read the state of a job."""
        ...

    def stop(self, job: str, /) -> None:
        """Request the end of a job, without waiting for it."""
        ...

    def logs(self, job: str, /) -> str:
        """Read what the driver has printed."""
        ...

    def reachable(self) -> bool:
        """Whether the cluster answers."""
        ...


Driver = tuple[str, int]
"""A search's id and the driver's attempt."""


class Action(Enum):
    """The next step of a search."""

    WAIT = auto()
    BEGIN = auto()
    SUBMIT = auto()
    REPLACE = auto()
    FAIL = auto()
    STOP_JOB = auto()
    MARK_STOPPED = auto()


def decide(search: SearchRecord, job: JobState | None, *, now: float, lost_for: float, max_attempts: int) -> Action:
    """Choose the next step of a search.

    A driver writes the end of its search before the driver itself ends, so a job that is over beside a search that is
    not means that the driver died. This holds only if `search` was read after `job`.

    Args:
        search: The search.
        job: The state of its job; None where it has none.
        now: The time in seconds since the epoch.
        lost_for: For how many seconds the job has been lost.
        max_attempts: The number of drivers after which the search fails.
    """
    if search.status is SearchStatus.QUEUED:
        return Action.BEGIN if search.not_before is None or search.not_before <= now else Action.WAIT
    if search.status.ending:
        return Action.STOP_JOB if job in ACTIVE_JOB else Action.MARK_STOPPED
    if search.status.at_rest or job in ACTIVE_JOB:
        return Action.WAIT
    if job is JobState.lost and lost_for < LOST_SECONDS:
        # The driver has begun but the cluster does not know it (yet): the service died in between, or the submission
        # failed.
        return Action.SUBMIT if search.status is SearchStatus.STARTING else Action.WAIT
    return Action.REPLACE if search.attempt < max_attempts else Action.FAIL


def back_off(attempt: int) -> float:
    """Compute the seconds to wait after the driver of an attempt (from 1) was lost: 2, 4, 8, ..., 300."""
    return float(min(FIRST_BACK_OFF * 2 ** min(attempt - 1, 16), LONGEST_BACK_OFF))


class Reconciler:
    """Performs the steps that `decide` chooses: `run_once` makes one pass, `start` makes passes in a thread.

    Args:
        store: The record.
        cluster: Where drivers run.
        seconds: The pause between passes.
        max_attempts: The number of drivers after which a search fails.
        clock: The time in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        cluster: JobCluster,
        *,
        seconds: float,
        max_attempts: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._seconds = seconds
        self._max_attempts = max_attempts
        self._clock = clock
        self._owner = f"{socket.gethostname()[:200]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._lost_since: dict[Driver, float] = {}
        self._stop_sent: dict[Driver, float] = {}
        self._submit_error: dict[Driver, str] = {}
        self._unreachable = False
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
        """End the thread after its present pass and release the leases."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        try:
            for search in self._store.due_searches(self._clock()):
                self._store.release_lease(search.id, self._owner)
        except Exception:
            log.warning("the leases were not released; they expire by themselves", exc_info=True)

    def _loop(self) -> None:
        while not self._closing.is_set():
            hurry = False
            try:
                hurry = self.run_once()
            except StoreError as error:
                log.warning("the store cannot be used: %s; the next pass tries again", error)
            except Exception:
                log.exception("a pass failed; the next one tries again")
            self._wake.wait(min(self._seconds, HURRY_SECONDS) if hurry else self._seconds)
            self._wake.clear()

    def run_once(self) -> bool:
        """Make one pass over all searches that are neither over nor paused.

        Returns:
            Whether one of them is queued, starting, stopping or pausing, so that the next pass should come soon.
        """
        if not self._cluster_answers():
            return False
        hurry = False
        for search in self._store.due_searches(self._clock()):
            if self._closing.is_set():
                break
            hurry |= search.status is not SearchStatus.RUNNING
            try:
                if self._store.acquire_lease(search.id, self._owner, LEASE_SECONDS):
                    self._attend(search.id)
            except (ClusterUnreachable, StoreError) as error:
                log.warning("search %s waits: %s", search.id, error)
            except Exception:
                log.exception("search %s could not be attended to; the next pass tries again", search.id)
        return hurry

    def _cluster_answers(self) -> bool:
        answers = self._cluster.reachable()
        if answers == self._unreachable:
            self._unreachable = not answers
            log.log(logging.INFO if answers else logging.WARNING, "Ray %s", "answers" if answers else "does not answer")
        return answers

    def _attend(self, search_id: str) -> None:
        before = self._store.get_search(search_id)
        has_job = before.attempt > 0 and before.status is not SearchStatus.QUEUED
        job = self._cluster.state(job_id(search_id, before.attempt)) if has_job else None
        search = self._store.get_search(search_id)
        if search.attempt != before.attempt or (search.status is not SearchStatus.QUEUED) != has_job:
            return  # the search changed meanwhile, so the state that was read is not that of its present job
        lost_for = self._lost_for(search, job)
        now = self._clock()
        action = decide(search, job, now=now, lost_for=lost_for, max_attempts=self._max_attempts)
        if action is not Action.WAIT:
            self._act(action, search, job)

    def _lost_for(self, search: SearchRecord, job: JobState | None) -> float:
        driver = (search.id, search.attempt)
        if job is not JobState.lost:
            self._lost_since.pop(driver, None)
            return 0.0
        return self._clock() - self._lost_since.setdefault(driver, self._clock())

    def _act(self, action: Action, search: SearchRecord, job: JobState | None) -> None:
        log.info("search %s (%s, driver %d, job %s): %s", search.id, search.status, search.attempt, job, action.name)
        if action is Action.BEGIN:
            self._begin(search)
        elif action is Action.SUBMIT:
            self._submit(search, search.attempt)
        elif action is Action.STOP_JOB:
            self._stop_job(search)
        elif action is Action.MARK_STOPPED:
            self._forget(search)
            self._store.move_search(search.id, [SearchStatus.STOPPING], SearchStatus.STOPPED)
            self._store.move_search(search.id, [SearchStatus.PAUSING], SearchStatus.PAUSED)
        elif action is Action.REPLACE:
            wait = back_off(search.attempt)
            self._store.requeue_search(search.id, search.attempt, self._clock() + wait, self._why(search, job))
            self._forget(search)
        elif action is Action.FAIL:
            message = f"{self._why(search, job)}; {search.attempt} drivers were tried{self._last_log_lines(search)}"
            self._forget(search)
            expected = [SearchStatus.STARTING, SearchStatus.RUNNING]
            self._store.move_search(search.id, expected, SearchStatus.FAILED, message=message)

    def _begin(self, search: SearchRecord) -> None:
        try:
            attempt = self._store.begin_driver(search.id)
        except ConflictError:
            return  # since it was read, the search was stopped, or another service has begun it
        self._submit(search, attempt)

    def _submit(self, search: SearchRecord, attempt: int) -> None:
        try:
            self._cluster.submit(search.id, attempt, search.spec.name)
        except ClusterUnreachable as error:
            self._submit_error[search.id, attempt] = str(error)[:500]
            raise
        self._submit_error.pop((search.id, attempt), None)

    def _stop_job(self, search: SearchRecord) -> None:
        driver = (search.id, search.attempt)
        if self._clock() - self._stop_sent.get(driver, 0.0) >= STOP_AGAIN_SECONDS:
            self._stop_sent[driver] = self._clock()
            self._cluster.stop(job_id(*driver))

    def _forget(self, search: SearchRecord) -> None:
        for memory in (self._lost_since, self._stop_sent, self._submit_error):
            memory.pop((search.id, search.attempt), None)

    def _why(self, search: SearchRecord, job: JobState | None) -> str:
        error = self._submit_error.get((search.id, search.attempt))
        if error is not None:
            return f"driver {search.attempt} could not be submitted ({error})"
        how = {
            JobState.lost: "was lost with its cluster",
            JobState.failed: "died",
            JobState.stopped: "was stopped from outside",
            JobState.succeeded: "ended without finishing the search",
        }
        return f"driver {search.attempt} {how.get(job, 'is gone') if job else 'is gone'}"

    def _last_log_lines(self, search: SearchRecord) -> str:
        try:
            lines = self._cluster.logs(job_id(search.id, search.attempt)).strip().splitlines()
        except ClusterUnreachable as error:
            log.warning("no log of search %s: %s", search.id, error)
            lines = []
        return "; the last lines of the log: " + "\n".join(lines[-15:])[-1500:] if lines else ""
