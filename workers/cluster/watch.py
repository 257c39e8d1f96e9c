"""Notices that the Ray of this machine is dead or mute: by its processes at once, by its answers with patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from workers.cluster import processes
from workers.cluster.health import Problems

SCAN_SECONDS = 15.0
"""Between two searches for the cluster's processes among all of the machine's; meanwhile those found are looked at."""

STOPPED_SECONDS = 3.0
"""How long a process may be stopped (SIGSTOP) before the cluster counts as mute."""

ASK_SECONDS = 5.0
"""Between two questions to the parts of the cluster."""

MUTE_SECONDS = 30.0
"""How long a part may fail to answer: on a busy machine an answer takes seconds, and a restart costs running trials."""

NEEDED = ("gcs_server", "raylet", "dashboard")
"""Without one of these the cluster is dead; everything else is started again by them, or takes one of them along."""

_TITLES = ("ray-dashboard-", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""How the names of other processes begin that the cluster cannot work without while they are stopped."""


class Watch:
    """Looks after one running cluster.

    Args:
        marker: The cluster's value of `processes.MARKER`.
        problems: Asks the parts of the cluster whether they work (`Cluster.problems`).
        clock: Seconds, of a clock that does not jump.
        socket: The file through which new processes find the raylet: it may lie in /tmp, which gets emptied. Where it
            is not there to begin with, nobody misses it.
    """

    def __init__(
        self,
        marker: str,
        problems: Callable[[], Problems],
        clock: Callable[[], float] = time.monotonic,
        socket: Path | None = None,
    ) -> None:
        self._marker = marker
        self._problems = problems
        self._clock = clock
        self._socket = socket if socket is not None and socket.exists() else None
        self._members: dict[str, list[psutil.Process]] = {}
        self._scanned = self._asked = -float("inf")
        self._stopped_since: float | None = None
        self._silent: tuple[float, int] | None = None

    def look(self) -> str | None:
        """Look at the cluster.

        Returns:
            None for a cluster that works, or may still; else what is wrong with it, as the end of a sentence.
        """
        return self.dead() or self._stopped() or self._mute()

    def dead(self) -> str | None:
        """Look for the processes, and the socket, without which the cluster is dead. This is quick, and asks nobody."""
        for name in NEEDED:
            if not any(_runs(process) for process in self._members.get(name, ())):
                self._scan()
                if not any(_runs(process) for process in self._members.get(name, ())):
                    return f"its {name} is dead"
        if self._socket is not None and not self._socket.exists():
            return f"its file {self._socket} was removed"
        return None

    def _stopped(self) -> str | None:
        now = self._clock()
        if now - self._scanned >= SCAN_SECONDS:
            self._scan()
        stopped = next((process for process in self._all() if _status(process) == psutil.STATUS_STOPPED), None)
        if stopped is None:
            self._stopped_since = None
            return None
        if self._stopped_since is None:
            self._stopped_since = now
        if now - self._stopped_since < STOPPED_SECONDS:
            return None
        return f"its process {stopped.pid} ({processes.name(stopped)}) is stopped"

    def _mute(self) -> str | None:
        now = self._clock()
        if now - self._asked < ASK_SECONDS:
            return None
        problems = self._problems()
        self._asked = self._clock()
        if not problems:
            self._silent = None
            return None
        since, times = self._silent or (now, 0)
        self._silent = since, times + 1
        # Several times too, since a machine that was suspended or overloaded loses time between two questions.
        if self._asked - since < MUTE_SECONDS or times + 1 < 4:
            return None
        return f"for {self._asked - since:.0f} s: {next(iter(problems.values()))}"

    def _scan(self) -> None:
        members: dict[str, list[psutil.Process]] = {}
        for process in processes.find(self._marker):
            if (part := role(process)) is not None:
                members.setdefault(part, []).append(process)
        self._members = members  # at once: `dead` may be called by any thread
        self._scanned = self._clock()

    def _all(self) -> Iterator[psutil.Process]:
        for members in self._members.values():
            yield from members


def role(process: psutil.Process) -> str | None:
    """Tell which of the processes that a cluster cannot work without a process is: a name of `NEEDED`, or its own name.

    Args:
        process: A process of the cluster.

    Returns:
        None for a process that the cluster can do without, such as a worker or a driver.
    """
    name = processes.name(process)
    if name in NEEDED:
        return name
    if name.startswith(_TITLES):
        return name
    try:
        words = process.cmdline()[:4]
    except psutil.Error:
        return None
    return "dashboard" if any(word.endswith("ray/dashboard/dashboard.py") for word in words) else None


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and _status(process) not in (None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def _status(process: psutil.Process) -> str | None:
    try:
        return str(process.status())
    except psutil.Error:
        return None
