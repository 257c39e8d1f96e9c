"""Keeps SQL and Ray in step: starts drivers of queued searches, replaces lost ones, carries out stops.

`decide` says what a search needs, from its row and the state of its job; `Reconciler` does it, every few seconds, in
a thread of its own. Several services may run on one store: each acts only on searches that it holds the lease of, and
every step is a compare-and-set or may be done twice, so that an expired lease does no harm.
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
"""Pause between passes while a search starts or stops: a person is waiting."""

OPEN = (SearchStatus.QUEUED, SearchStatus.STARTING, SearchStatus.RUNNING, SearchStatus.STOPPING)
GOING = (JobState.pending, JobState.running)


class JobCluster(Protocol):
    """What the service needs of a cluster (`workers.cluster.jobs.Cluster`)."""

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        """Start the driver of an attempt; again for the same attempt changes nothing."""
        ...

    def state(self, job: str, /) -> JobState:
        """Where a job stands. ClusterUnreachable when the cluster does not answer, as everywhere here."""
        ...

    def stop(self, job: str, /) -> None:
        """Ask a job to end; it has ended when its state says so."""
        ...

    def logs(self, job: str, /) -> str:
        """What the driver has printed."""
        ...

    def reachable(self) -> bool:
        """Whether the cluster answers."""
        ...


Driver = tuple[str, int]
"""A search's id and the driver's attempt."""


class Action(Enum):
    """What a search needs next."""

    WAIT = auto()
    BEGIN = auto()
    SUBMIT = auto()
    REPLACE = auto()
    FAIL = auto()
    STOP_JOB = auto()
    MARK_STOPPED = auto()


def decide(search: SearchRecord, job: JobState | None, *, now: float, lost_for: float, max_attempts: int) -> Action:
    """The next step of a search whose job is in state `job` (None: it has none), lost for `lost_for` seconds.

    A driver writes its search's end before it ends, so `search` must have been read after `job`: a job that is over
    beside a search that is not means a driver that died.
    """
    if search.status is SearchStatus.QUEUED:
        return Action.BEGIN if search.not_before is None or search.not_before <= now else Action.WAIT
    if search.status is SearchStatus.STOPPING:
        return Action.STOP_JOB if job in GOING else Action.MARK_STOPPED
    if search.status.terminal or job in GOING:
        return Action.WAIT
    if job is JobState.lost and lost_for < LOST_SECONDS:
        # Begun but not (yet) known to the cluster: the service died between the two, or the submission failed.
        return Action.SUBMIT if search.status is SearchStatus.STARTING else Action.WAIT
    return Action.REPLACE if search.attempt < max_attempts else Action.FAIL


def back_off(attempt: int) -> float:
    """Seconds to wait after the driver of `attempt` was lost: 2, 4, 8, ..., 300."""
    return float(min(FIRST_BACK_OFF * 2 ** min(attempt - 1, 16), LONGEST_BACK_OFF))


class Reconciler:
    """The loop around `decide`. `run_once` is one pass; `start` and `stop` run passes in a thread."""

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
        """Begin passes in a daemon thread."""
        assert self._thread is None
        self._thread = threading.Thread(target=self._loop, name="reconciler", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Make the next pass now: somebody created or stopped a search."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread after the pass it is in and give the leases back."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        try:
            for search in self._store.due_searches(self._clock()):
                self._store.release_lease(search.id, self._owner)
        except Exception:
            log.warning("leases were not given back; they end by themselves", exc_info=True)

    def _loop(self) -> None:
        while not self._closing.is_set():
            hurry = False
            try:
                hurry = self.run_once()
            except StoreError as error:
                log.warning("the store is away: %s; the next pass comes", error)
            except Exception:
                log.exception("a pass failed; the next one comes")
            self._wake.wait(min(self._seconds, HURRY_SECONDS) if hurry else self._seconds)
            self._wake.clear()

    def run_once(self) -> bool:
        """One pass over all searches that are not over. True when one of them is starting or stopping."""
        if not self._cluster_answers():
            return False
        hurry = False
        for search in self._store.due_searches(self._clock()):
            if self._closing.is_set():
                break
            hurry |= search.status in (SearchStatus.QUEUED, SearchStatus.STARTING, SearchStatus.STOPPING)
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
            return  # it moved meanwhile: what was seen of its job is old
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
        elif action is Action.REPLACE:
            wait = back_off(search.attempt)
            self._store.requeue_search(search.id, search.attempt, self._clock() + wait, self._why(search, job))
            self._forget(search)
        elif action is Action.FAIL:
            message = f"{self._why(search, job)}; {search.attempt} drivers were tried{self._last_words(search)}"
            self._forget(search)
            expected = [SearchStatus.STARTING, SearchStatus.RUNNING]
            self._store.move_search(search.id, expected, SearchStatus.FAILED, message=message)

    def _begin(self, search: SearchRecord) -> None:
        try:
            attempt = self._store.begin_driver(search.id)
        except ConflictError:
            return  # stopped, or begun by another service, since it was read
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

    def _last_words(self, search: SearchRecord) -> str:
        try:
            lines = self._cluster.logs(job_id(search.id, search.attempt)).strip().splitlines()
        except ClusterUnreachable as error:
            log.warning("no log of search %s: %s", search.id, error)
            lines = []
        return "; its last words: " + "\n".join(lines[-15:])[-1500:] if lines else ""
