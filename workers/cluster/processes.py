"""Finding and ending the processes of one local Ray cluster, and of no other.

`ray stop` ends every Ray process of the machine. Here each cluster's processes carry a marker in their environment,
inherited by everything they start (raylet, workers, job drivers). Some of Ray's processes overwrite their environment
when they set their title; they are found by the session that they share with processes that still carry the marker.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable

import psutil

MARKER = "SEGNAS_RAY_CLUSTER"
"""The environment variable that names the cluster."""


def find(marker: str) -> list[psutil.Process]:
    """Find the processes of a cluster.

    Args:
        marker: The cluster's value of `MARKER`.

    Returns:
        The cluster's processes that run; zombies are left out.
    """
    sessions: dict[int, list[psutil.Process]] = {}
    ours = set()
    for process in psutil.process_iter(["environ", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            session = os.getsid(process.pid)
        except OSError:
            continue
        sessions.setdefault(session, []).append(process)
        environ = process.info["environ"]  # None where it may not be read: another user's
        if environ and environ.get(MARKER) == marker:
            ours.add(session)
    return [process for session in sorted(ours) for process in sessions[session]]


def runs(marker: str, names: Iterable[str]) -> bool:
    """Whether every one of the named programs runs in the cluster.

    Args:
        marker: The cluster's value of `MARKER`.
        names: Names of programs, as `ps` shows them.
    """
    missing = set(names)
    for process in find(marker):
        missing.discard(name(process))
    return not missing


def end(marker: str, grace: float) -> None:
    """End every process of a cluster: the raylet first, the control store last.

    Args:
        marker: The cluster's value of `MARKER`.
        grace: Seconds between SIGTERM and SIGKILL, for each of the three groups of processes.
    """
    members = find(marker)
    _end([p for p in members if name(p) == "raylet"], grace)
    _end([p for p in members if name(p) != "gcs_server"], grace)
    _end(members, grace)  # the control store last: others report their end to it
    deadline = time.monotonic() + grace
    while (left := find(marker)) and time.monotonic() < deadline:  # what was being started while we looked
        _end(left, 0.0)
    assert not left, f"processes that do not end: {left}"


def markers(variable: str, value: str) -> set[str]:
    """Find the clusters whose processes have a variable in their environment.

    Args:
        variable: The name of an environment variable.
        value: Its value.

    Returns:
        The values of `MARKER` of the clusters that run.
    """
    environments = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    return {environ[MARKER] for environ in environments if environ.get(variable) == value and environ.get(MARKER)}


def name(process: psutil.Process) -> str:
    """The name of a process, as `ps` shows it; empty for a process that has ended."""
    try:
        return process.name()
    except psutil.Error:
        return ""


def _end(processes: list[psutil.Process], grace: float) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=2.0)
