"""The logs of drivers: from Ray while it has them, from copies in the home folder afterwards."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nas.atomic import write_bytes_atomically
from workers.cluster.jobs import ClusterUnreachable, job_id

log = logging.getLogger("segnas.reconciler")

KEPT_BYTES = 1_000_000
"""Of each log, from its end."""

KEPT_DRIVERS = 20
"""Of each search, the last ones."""

COPY_SECONDS = 30.0
COPY_SHARE = 0.05
"""A running driver's log is copied every so often, and with at most this share of the time."""

CUT = "(earlier lines were left out)\n"


class LogSource(Protocol):
    """The part of a cluster that has logs."""

    def logs(self, job: str, /) -> str:
        """Read what a driver has printed; raises `ClusterUnreachable`."""
        ...


class DriverLogs:
    """The logs of all drivers, and the copies that outlive Ray: `FOLDER/<search>/<attempt>.log`.

    A copy is an aid: one that cannot be made costs a line in the service's log.

    Args:
        folder: Where the copies are.
        cluster: Has the logs of the drivers that it knows; None without a cluster.
        clock: A monotonic clock in seconds.
    """

    def __init__(self, folder: Path, cluster: LogSource | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._cluster = cluster
        self._clock = clock
        self._next_copy: dict[tuple[str, int], float] = {}
        self._complained = False

    def text(self, search_id: str, attempt: int) -> str:
        """Read the log of a driver: Ray's own, else the copy; empty where there is neither.

        Raises:
            ClusterUnreachable: There is no copy, and Ray does not answer or there is none.
        """
        kept = self._kept(search_id, attempt)
        if self._cluster is None:
            if kept is None:
                raise ClusterUnreachable("no cluster is configured, so there are no logs")
            return kept
        try:
            return self._cluster.logs(job_id(search_id, attempt)) or kept or ""
        except ClusterUnreachable:
            if kept is None:
                raise
            return kept

    def last_lines(self, search_id: str, attempt: int) -> str:
        """Read the last 15 lines of a driver's log, at most 1500 characters; empty where there are none."""
        try:
            lines = self.text(search_id, attempt).strip().splitlines()
        except ClusterUnreachable as error:
            log.warning("no log of search %s: %s", search_id, error, extra={"search": search_id})
            return ""
        return "\n".join(lines[-15:])[-1500:]

    def copy_sometimes(self, search_id: str, attempt: int) -> None:
        """Copy the log of a running driver, if the last copy is old enough."""
        began = self._clock()
        due = self._next_copy.setdefault((search_id, attempt), began + COPY_SECONDS)
        if began >= due:
            self.copy(search_id, attempt)
            took = self._clock() - began
            self._next_copy[search_id, attempt] = self._clock() + max(COPY_SECONDS, took / COPY_SHARE)

    def copy(self, search_id: str, attempt: int) -> bool:
        """Copy the log of a driver now, if it has one; False where Ray or the disk refused."""
        self._next_copy.pop((search_id, attempt), None)
        if self._cluster is None:
            return True
        try:
            text = self._cluster.logs(job_id(search_id, attempt))
            if text:
                write_bytes_atomically(self._path(search_id, attempt), _end_of(text))
                self._leave_out_old(search_id)
        except (ClusterUnreachable, OSError) as error:
            if not self._complained:
                sentence = "the log of driver %d of search %s was not copied: %s"
                log.warning(sentence, attempt, search_id, error, extra={"search": search_id})
            self._complained = True
            return False
        self._complained = False
        return True

    def _path(self, search_id: str, attempt: int) -> Path:
        return self._folder / search_id / f"{attempt}.log"

    def _kept(self, search_id: str, attempt: int) -> str | None:
        try:
            return self._path(search_id, attempt).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def _leave_out_old(self, search_id: str) -> None:
        numbers = sorted(int(path.stem) for path in (self._folder / search_id).glob("*.log") if path.stem.isdigit())
        for old in numbers[:-KEPT_DRIVERS]:
            with contextlib.suppress(OSError):
                self._path(search_id, old).unlink()


def _end_of(text: str) -> bytes:
    """The last `KEPT_BYTES` of a log in UTF-8, from the start of a line where something was left out."""
    content = text.encode("utf-8", "replace")
    if len(content) <= KEPT_BYTES:
        return content
    return CUT.encode() + content[-KEPT_BYTES:].partition(b"\n")[2]
