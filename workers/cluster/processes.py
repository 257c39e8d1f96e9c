"""Finding and ending the processes of one local Ray cluster, and of no other.

`ray stop` ends every Ray process of the machine. Here each cluster's processes carry a marker in their environment,
inherited by everything they start (raylet, workers, job drivers). Some of Ray's processes overwrite their environment
when they set their title; they are told by the session that they share with processes that still carry the marker.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MARKER = "SEGNAS_RAY_CLUSTER"
"""The environment variable that names the cluster."""


def _psutil() -> Any:
    """The psutil that Ray brings along, without importing Ray: that takes a second and reads its configuration."""
    if importlib.util.find_spec("psutil") is None:
        ray = importlib.util.find_spec("ray")
        assert ray is not None, "Ray is installed where its processes are"
        sys.path.append(str(Path(str(ray.origin)).parent / "thirdparty_files"))
    return importlib.import_module("psutil")


def find(marker: str) -> list[Any]:
    """Processes (psutil.Process) of the cluster, zombies left out."""
    psutil = _psutil()
    sessions: dict[int, list[Any]] = {}
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
    """Whether every one of the named programs runs in the cluster."""
    missing = set(names)
    for process in find(marker):
        missing.discard(_name(process))
    return not missing


def end(marker: str, grace: float) -> None:
    """End every process of the cluster: raylet first, the control store last; SIGKILL after `grace` seconds each."""
    members = find(marker)
    _end([p for p in members if _name(p) == "raylet"], grace)
    _end([p for p in members if _name(p) != "gcs_server"], grace)
    _end(members, grace)  # the control store last: others report their end to it
    deadline = time.monotonic() + grace
    while (left := find(marker)) and time.monotonic() < deadline:  # what was being started while we looked
        _end(left, 0.0)
    assert not left, f"processes that do not end: {left}"


def _end(processes: list[Any], grace: float) -> None:
    psutil = _psutil()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=2.0)


def _name(process: Any) -> str:
    psutil = _psutil()
    try:
        return str(process.name())
    except psutil.Error:
        return ""
