"""Keeps the local Ray running: notices that it is dead, mute or deaf, ends what is left of it, and starts it again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import httpx

from nas.settings import Settings
from workers.cluster import health
from workers.cluster.jobs import Cluster, ClusterUnreachable
from workers.cluster.local import LocalRay, StartCancelledError
from workers.cluster.refusals import Refusals
from workers.cluster.requirements import why_no_driver
from workers.cluster.watch import Watch

log = logging.getLogger("segnas.ray")

LOOK_SECONDS = 1.0
"""Between two looks at the cluster's processes."""

STEADY_SECONDS = 120.0
"""A cluster that has run for this long is not held responsible for the failures before."""

LONGEST_PAUSE = 60.0

DRIVER = "driver"
"""The part of `GET /readyz` that says whether a driver could run at all."""


@dataclass(frozen=True)
class Outage:
    """The time from the moment when Ray was found dead, mute or deaf until it runs again.

    Attributes:
        reason: What was found, as the end of a sentence.
        error: Why the last start failed; None before a start has failed.
    """

    reason: str
    error: str | None = None

    def __str__(self) -> str:
        failed = "" if self.error is None else f"; the last try failed: {self.error}"
        return f"Ray has failed ({self.reason}) and is being started again{failed}"


class SupervisedCluster(Cluster):
    """The job server of a local Ray that a `Supervisor` keeps running.

    The address and the token stay the same when Ray is started again. While Ray is down, every method answers at once
    that it is, with the reason.

    Args:
        dashboard_url: Where the dashboard is.
        token: The cluster's token.
        outage: Says why Ray cannot be used now; None when it can.
    """

    def __init__(self, dashboard_url: str, token: str, outage: Callable[[], str | None]) -> None:
        super().__init__(dashboard_url, token)
        self._outage = outage
        self.refusals = Refusals()
        """Jobs that were not taken while Ray was up."""

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        """Submit a driver, and remember whether the cluster took it."""
        try:
            job = super().submit(search_id, attempt, name)
        except ClusterUnreachable as error:
            if self._outage() is None:
                self.refusals.refused(str(error))
            raise
        self.refusals.taken()
        return job

    def unreachable(self) -> str | None:
        """Say why Ray cannot be used; None when its job server answers and a driver would find what it imports."""
        return why_no_driver() or super().unreachable()

    def problems(self, max_age: float = 1.0) -> health.Problems:
        why = self._outage()
        found = super().problems(max_age) if why is None else dict.fromkeys(health.PARTS, why)
        no_driver = why_no_driver()
        return found if no_driver is None else {**found, DRIVER: no_driver}

    def answers(self) -> health.Problems:
        """Ask the parts of Ray themselves, whatever is thought of them."""
        return super().problems(0.0)

    def renew_token(self, token: str) -> None:
        """Show another token from now on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _send(self, method: str, path: str, json: object = None) -> httpx.Response:
        if (why := self._outage()) is not None:
            raise ClusterUnreachable(why)
        return super()._send(method, path, json)


class Supervisor:
    """Looks after the local Ray in a thread of its own, from `start` to `stop`.

    A cluster that cannot be started again is tried again, after 1, 2, 4, ... 60 seconds, for as long as the service
    runs. Drivers do not survive their cluster: the next one answers that it does not know them.

    Args:
        settings: With which the cluster was started.
        ray: The cluster that runs.
    """

    def __init__(self, settings: Settings, ray: LocalRay) -> None:
        self.ray = ray
        self.restarts = 0
        """How often Ray was started again."""
        self.cluster = SupervisedCluster(ray.dashboard_url, ray.token, self.why_down)
        """For whoever submits jobs."""
        self._settings = settings
        self._watch = Watch(ray.marker, self.cluster.answers, socket=ray.socket)
        self._outage: Outage | None = None
        self._running_since = time.monotonic()
        self._failures = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the thread, within seconds even while Ray is being started; the cluster is left as it is."""
        self._closing.set()
        self._thread.join()
        self.cluster.close()

    def why_down(self) -> str | None:
        """Say why Ray cannot be used now; None when it runs, as far as one sees without asking it."""
        if self._outage is None and (reason := self._watch.dead()) is not None:
            return str(Outage(reason))  # the thread has not looked yet
        return None if self._outage is None else str(self._outage)

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                reason = self._watch.look() or self.cluster.refusals.deaf()
            except Exception:
                log.exception("Ray could not be looked at; the next look is in %d s", LOOK_SECONDS)
                continue
            if reason is not None:
                self._revive(reason)

    def _revive(self, reason: str) -> None:
        began = time.monotonic()
        if began - self._running_since >= STEADY_SECONDS:
            self._failures = 0
        self._outage = Outage(reason)
        log.warning("%s", self._outage)
        while not self._closing.wait(pause(self._failures)):
            self._failures += 1
            try:
                ray = self.ray.restart(self._settings, self._closing.is_set)
            except StartCancelledError:
                return
            except Exception as error:
                log.warning("Ray does not start; the next try is in %d s: %s", pause(self._failures), error)
                self._outage = Outage(reason, str(error))
                continue
            self._started(ray)
            log.warning(
                "Ray runs again, after %.0f s; its searches continue from what is recorded", time.monotonic() - began
            )
            return

    def _started(self, ray: LocalRay) -> None:
        self.ray = ray
        self.cluster.renew_token(ray.token)
        self._watch = Watch(ray.marker, self.cluster.answers, socket=ray.socket)
        self.cluster.refusals.restarted()
        self._running_since = time.monotonic()
        self.restarts += 1
        self._outage = None


def pause(failures: int) -> float:
    """Compute the seconds to wait before the next start after so many failures in a row: 0, 1, 2, 4, ..., 60."""
    return min(2.0 ** min(failures - 1, 16), LONGEST_PAUSE) if failures else 0.0
