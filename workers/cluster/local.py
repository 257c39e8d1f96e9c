"""A Ray cluster of one machine that belongs to a home folder: started once, outlives the service, ended by name.

It listens on the loopback interface only and asks for a token that lies in the home folder. The service may end and
come back; `LocalRay.start` then finds the cluster that is running. `workers.cluster.supervisor` keeps it running.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
from sqlalchemy import make_url

from nas.atomic import locked, write_secret_atomically, write_text_atomically
from nas.settings import Settings
from search_spaces.base import canonical_json
from workers.cluster import processes
from workers.cluster.environment import client_environment, environment, write_database_url
from workers.cluster.node import RAY_COMMAND
from workers.cluster.state import STATE_FILE, cluster_folder, read_cluster

_SOCKET_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes of a unix socket's path."""

_BELOW_TEMP = len("/session_2026-01-01_00-00-00_000000_1234567/sockets/dash_MetricsHead")
"""What Ray adds to its temporary folder for its longest socket name."""

_OBJECT_STORE_BYTES = 200_000_000
"""Results are a few hundred bytes each: near Ray's minimum of 75 MiB; the default takes 30 % of the memory."""

_START_SECONDS = 120.0
_STOP_SECONDS = 5.0

_TRIES = 2
"""Ray gives its raylet 30 seconds to register, which may be too few on a machine that is busy starting up."""

_TEMPORARY = "/tmp", "segnas-"  # noqa: S108  a prefix for mkdtemp, and how its folders are known again
"""Where Ray's temporary folder goes, and how its name begins, when the home folder's path is too long."""


class StartCancelledError(RuntimeError):
    """The start of a cluster was given up because nobody wants the cluster any more."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class LocalRay:
    """The Ray cluster of one home folder.

    Attributes:
        folder: Holds the cluster's token, its state and its logs, below the home folder.
        dashboard_url: Where the dashboard and the job API are served.
        address: Ray's own address, host:port.
        marker: Tells the cluster's processes from those of other clusters.
        temp: Ray's folder for sockets and logs.
        fingerprint: Of the settings that the cluster's jobs see.
    """

    folder: Path
    dashboard_url: str
    address: str
    marker: str
    temp: Path
    fingerprint: str

    @classmethod
    def start(cls, settings: Settings, cancelled: Callable[[], bool] = _never) -> Self:
        """Start the cluster of the settings' home folder, or attach to the one that runs.

        Jobs see the settings with which the cluster was started; a cluster started with others is restarted (the
        service resubmits searches that were running).

        Args:
            settings: Name the home folder, the port of the dashboard, and what jobs see.
            cancelled: Asked several times a second; whether to give up the start.

        Returns:
            The cluster that runs.

        Raises:
            StartCancelledError: The start was given up; nothing of the cluster is left.
            RuntimeError: Ray does not start, with its words, or the dashboard's port is taken.
        """
        folder = cluster_folder(settings.folder)
        with locked(folder / STATE_FILE):
            running = cls._read(folder)
            if running is not None:
                write_database_url(settings, folder)
                if running.fingerprint == _fingerprint(settings) and running.alive():
                    return running
                running._end()
            for left in processes.markers("SEGNAS_HOME", str(settings.folder)):  # whose state file was lost
                processes.end(left, _STOP_SECONDS)
            return cls._start(folder, settings, settings.dashboard_port or _free_port(), cancelled)

    def restart(self, settings: Settings, cancelled: Callable[[], bool] = _never) -> Self:
        """End what is left of this cluster and start it again, with the same token and port of the dashboard.

        Args:
            settings: As for `start`.
            cancelled: As for `start`.

        Returns:
            The cluster that runs; this one does not any more.

        Raises:
            StartCancelledError: The start was given up; nothing of the cluster is left.
            RuntimeError: Ray does not start, or the dashboard's port is taken.
        """
        with locked(self.folder / STATE_FILE):
            self._end(grace=1.0)  # a part of the cluster is dead, and the others may wait for it
            port = urlsplit(self.dashboard_url).port
            assert port is not None
            return self._start(self.folder, settings, port, cancelled)

    @classmethod
    def attach(cls, settings: Settings) -> Self | None:
        """Find the running cluster of the settings' home folder; None when none runs."""
        running = cls._read(cluster_folder(settings.folder))
        return running if running is not None and running.alive() else None

    @property
    def token(self) -> str:
        """The token that clients show as `Authorization: Bearer ...`, and people paste into the dashboard."""
        return (self.folder / "token").read_text().strip()

    @property
    def socket(self) -> Path:
        """The file through which processes on this machine find the cluster's raylet."""
        return (self.temp / "session_latest").resolve() / "sockets" / "raylet"

    def client_environment(self) -> dict[str, str]:
        """Environment variables that a program needs before it imports Ray and connects to `address`."""
        return client_environment(self.folder)

    def alive(self) -> bool:
        """Whether the cluster's processes run, new ones find them, and its job API answers."""
        if not (self.temp / "session_latest").exists():  # /tmp was emptied
            return False
        if not processes.runs(self.marker, ("gcs_server", "raylet")):
            return False
        return _answers(self.dashboard_url, self.token)

    def stop(self) -> None:
        """End this cluster and everything that runs in it; other clusters of the machine are left alone."""
        with locked(self.folder / STATE_FILE):
            self._end()

    def _end(self, grace: float = _STOP_SECONDS) -> None:
        processes.end(self.marker, grace)
        parent, prefix = _TEMPORARY
        if self.temp.parent == Path(parent) and self.temp.name.startswith(prefix):
            shutil.rmtree(self.temp, ignore_errors=True)
        (self.folder / STATE_FILE).unlink(missing_ok=True)

    @classmethod
    def _read(cls, folder: Path) -> Self | None:
        state = read_cluster(folder)
        return None if state is None else cls(folder=folder, **dict(state))

    @classmethod
    def _start(cls, folder: Path, settings: Settings, port: int, cancelled: Callable[[], bool]) -> Self:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # Ray makes the folders in it writable for everyone
        if _taken(port):
            raise RuntimeError(
                f"port {port} for the Ray dashboard is taken by another program; "
                "set SEGNAS_DASHBOARD_PORT to a free one, or to 0 for any"
            )
        marker, temp, url = secrets.token_hex(8), _temporary(folder), f"http://127.0.0.1:{port}"
        token = _token(folder)
        write_database_url(settings, folder)
        _write_state(folder, cls(folder, url, "", marker, temp, ""))  # so that a start cut short can be cleaned up
        log = folder / "start.log"
        env = environment(settings, folder, marker)
        try:
            for _ in range(_TRIES):
                wanted = _until(time.monotonic() + _START_SECONDS, cancelled)
                if _ray_start(temp, port, env, log, wanted) and _wait(url, token, wanted):
                    break
                processes.end(marker, 1.0)
            else:
                raise RuntimeError(f"Ray did not start: {_last_line(log)} (all that it said: {log})")
        except BaseException:  # a signal too: nobody else knows of what has been started
            processes.end(marker, 1.0)
            raise
        address = (temp / "ray_current_cluster").read_text().strip()
        started = cls(folder, url, address, marker, temp, _fingerprint(settings))
        _write_state(folder, started)
        return started


def start_command(temp: Path, port: int) -> list[str]:
    """Make the command line that starts the cluster's one node.

    Args:
        temp: Ray's folder for sockets and logs.
        port: The dashboard's.
    """
    options = {
        "temp-dir": temp,
        "port": 0,
        "node-ip-address": "127.0.0.1",
        "dashboard-host": "127.0.0.1",
        "dashboard-port": port,
        "dashboard-agent-listen-port": 0,
        "min-worker-port": 0,
        "max-worker-port": 0,
        "object-store-memory": _OBJECT_STORE_BYTES,
        "include-dashboard": "true",
    }
    flags = ["--head", "--disable-usage-stats", *(f"--{name}={value}" for name, value in options.items())]
    return [sys.executable, *RAY_COMMAND, "start", *flags]


def _until(deadline: float, cancelled: Callable[[], bool]) -> Callable[[], bool]:
    def wanted() -> bool:
        if cancelled():
            raise StartCancelledError("the start of Ray was given up")
        return time.monotonic() < deadline

    return wanted


def _ray_start(temp: Path, port: int, env: dict[str, str], log: Path, wanted: Callable[[], bool]) -> bool:
    """Run `ray start --head`; False when it says no or is not wanted any longer."""
    with log.open("wb") as output:
        starting = subprocess.Popen(  # noqa: S603  our own command line
            start_command(temp, port),
            env=env,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the service's terminal is not for the cluster
        )
    try:
        while starting.poll() is None:
            if not wanted():
                return False
            time.sleep(0.1)
    finally:
        if starting.poll() is None:
            starting.kill()
            starting.wait()
    return starting.returncode == 0


def _last_line(log: Path) -> str:
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in log.read_text(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it said nothing")[:500]


def _fingerprint(settings: Settings) -> str:
    """Changes when jobs would see other settings or another Python."""
    seen = environment(settings, cluster_folder(settings.folder), "")
    further = {"python": sys.executable, "database": make_url(settings.store_url).render_as_string(hide_password=True)}
    text = canonical_json({k: v for k, v in seen.items() if k.startswith("SEGNAS_")} | further)
    return hashlib.sha256(text.encode()).hexdigest()


def _token(folder: Path) -> str:
    """The cluster's token, made on first use and readable by its owner only; made anew when the file is empty."""
    path = folder / "token"
    token = path.read_text(errors="replace").strip() if path.exists() else ""
    if token.isascii() and token.isalnum():
        return token

    write_secret_atomically(path, secrets.token_hex(32))
    return path.read_text()


def _temporary(folder: Path) -> Path:
    """Where Ray keeps sockets and logs: below the home folder, or a short path where that would be too long."""
    inside = folder / "tmp"
    if len(os.fsencode(inside)) + _BELOW_TEMP <= _SOCKET_LIMIT:
        inside.mkdir(exist_ok=True)
        sessions = sorted(path for path in inside.glob("session_*") if not path.is_symlink())
        for old in sessions[:-1]:  # the last session's logs stay readable
            shutil.rmtree(old, ignore_errors=True)
        (inside / "ray_current_cluster").unlink(missing_ok=True)
        return inside
    parent, prefix = _TEMPORARY
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def _write_state(folder: Path, cluster: LocalRay) -> None:
    state = {name: str(value) for name, value in asdict(cluster).items() if name != "folder"}
    write_text_atomically(folder / STATE_FILE, json.dumps(state, indent=2))


def _answers(url: str, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        reply = httpx.get(f"{url}/api/version", headers=headers, timeout=5.0, trust_env=False)
    except httpx.HTTPError:
        return False
    return reply.status_code == httpx.codes.OK


def _wait(url: str, token: str, wanted: Callable[[], bool]) -> bool:
    while not _answers(url, token):
        if not wanted():
            return False
        time.sleep(0.1)
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _taken(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
