"""A Ray cluster of one machine that belongs to a home folder: started once, outlives the service, ended by name.

It listens on the loopback interface only and asks for a token that lies in the home folder. The service may end and
come back; `LocalRay.start` then finds the cluster that is running.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from nas.atomic import locked, write_text_atomically
from nas.settings import Settings
from search_spaces.base import canonical_json
from workers.cluster import processes

_SOCKET_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes of a unix socket's path."""

_BELOW_TEMP = len("/session_2026-01-01_00-00-00_000000_1234567/sockets/dash_MetricsHead")
"""What Ray adds to its temporary folder for its longest socket name."""

_OBJECT_STORE_BYTES = 200_000_000
"""Results are a few hundred bytes each: near Ray's minimum of 75 MiB; the default takes 30 % of the memory."""

STATE_FILE = "cluster.json"
"""In the cluster's folder: what `LocalRay` is made of again by the next process."""

_NOT_INHERITED = ("SEGNAS_", "RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_AUTH_", "RAY_JOB_", "RAY_TMPDIR")
"""Ours are set anew; Ray's would make the cluster take part in another one."""

_START_SECONDS = 120.0
_STOP_SECONDS = 5.0


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
    def start(cls, settings: Settings) -> Self:
        """Start the cluster of the settings' home folder, or attach to the one that runs.

        Jobs see the settings with which the cluster was started; a cluster started with others is restarted (the
        service resubmits searches that were running).

        Args:
            settings: Name the home folder, the port of the dashboard, and what jobs see.

        Returns:
            The cluster that runs.

        Raises:
            RuntimeError: Ray does not start, with its words, or the dashboard's port is taken.
        """
        folder = settings.folder / "ray"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # Ray makes the folders in it writable for everyone
        with locked(folder / STATE_FILE):
            running = cls._read(folder)
            if running is not None:
                if running.fingerprint == _fingerprint(settings) and running.alive():
                    return running
                running._end()
            return cls._start(folder, settings)

    @classmethod
    def attach(cls, settings: Settings) -> Self | None:
        """Find the running cluster of the settings' home folder; None when none runs."""
        running = cls._read(settings.folder / "ray")
        return running if running is not None and running.alive() else None

    @property
    def token(self) -> str:
        """The token that clients show as `Authorization: Bearer ...`, and people paste into the dashboard."""
        return (self.folder / "token").read_text().strip()

    def client_environment(self) -> dict[str, str]:
        """Environment variables that a program needs before it imports Ray and connects to `address`."""
        return _client_environment(self.folder)

    def alive(self) -> bool:
        """Whether the cluster's processes run and its job API answers."""
        if not processes.runs(self.marker, ("gcs_server", "raylet")):
            return False
        return _answers(self.dashboard_url, self.token)

    def stop(self) -> None:
        """End this cluster and everything that runs in it; other clusters of the machine are left alone."""
        with locked(self.folder / STATE_FILE):
            self._end()

    def _end(self) -> None:
        processes.end(self.marker, _STOP_SECONDS)
        if not self.temp.is_relative_to(self.folder):
            shutil.rmtree(self.temp, ignore_errors=True)
        (self.folder / STATE_FILE).unlink(missing_ok=True)

    @classmethod
    def _read(cls, folder: Path) -> Self | None:
        try:
            state: dict[str, Any] = json.loads((folder / STATE_FILE).read_text())
        except FileNotFoundError:
            return None
        return cls(**state | {"folder": folder, "temp": Path(state["temp"])})

    @classmethod
    def _start(cls, folder: Path, settings: Settings) -> Self:
        port = settings.dashboard_port or _free_port()
        if _taken(port):
            raise RuntimeError(
                f"port {port} for the Ray dashboard is taken by another program; "
                "set SEGNAS_DASHBOARD_PORT to a free one, or to 0 for any"
            )
        marker, temp, url = secrets.token_hex(8), _temporary(folder), f"http://127.0.0.1:{port}"
        token = _token(folder)
        _write_state(folder, cls(folder, url, "", marker, temp, ""))  # so that a start cut short can be cleaned up
        log = folder / "start.log"
        if not (_ray_start(temp, port, environment(settings, folder, marker), log) and _wait(url, token)):
            processes.end(marker, _STOP_SECONDS)
            raise RuntimeError(f"Ray did not start; its last words (all in {log}):\n{log.read_text()[-2000:]}")
        address = (temp / "ray_current_cluster").read_text().strip()
        started = cls(folder, url, address, marker, temp, _fingerprint(settings))
        _write_state(folder, started)
        return started


ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "67108864",
}
"""What glibc's allocator reads from the environment of processes that train, unless it is set there already.

By default glibc returns large blocks to the kernel at every step and gets them back cleared: features of 779 slices of
224x224 took 63 s instead of 27, most of it in the kernel. Processes are some 45 % larger.
"""


def environment(settings: Settings, folder: Path, marker: str) -> dict[str, str]:
    """Make the environment of the cluster's processes, which every job inherits.

    Args:
        settings: What jobs shall see. The service's own token is left out.
        folder: The cluster's folder.
        marker: The cluster's value of `workers.cluster.processes.MARKER`.

    Returns:
        The environment of this process without other clusters' variables, with this Python, settings and token.
    """
    env = ALLOCATOR | {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env |= _client_environment(folder)
    env |= {
        processes.MARKER: marker,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_metrics_collection": "0",
        "RAY_ROTATION_MAX_BYTES": "16000000",  # of each log file; Ray's default is 512 MB
        "RAY_ROTATION_BACKUP_COUNT": "1",
        "RAY_START_HOOK": "workers.cluster.local.without_client_server",
        "SEGNAS_HOME": str(settings.folder),
        "SEGNAS_DATASETS": json.dumps({k: v.model_dump(mode="json") for k, v in settings.datasets.items()}),
        "SEGNAS_WEIGHTS": json.dumps({k: v.model_dump(mode="json") for k, v in settings.weights.items()}),
        "SEGNAS_HUB": json.dumps(settings.hub),
    }
    if settings.database_url is not None:
        env["SEGNAS_DATABASE_URL"] = settings.database_url.get_secret_value()
    return env


def _client_environment(folder: Path) -> dict[str, str]:
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        # Ray's switch for "this machine is no part of a cluster": it then uses the loopback interface only.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


def without_client_server(params: Any, head: bool) -> None:  # noqa: ARG001  Ray's hook passes both
    """Start no server for Ray's remote client, which nobody here uses (90 MB and an open port).

    Args:
        params: The `RayParams` of the node, which `ray start` hands over before it starts anything.
        head: Whether the node is a head.
    """
    params.ray_client_server_port = None


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
    # --no-monitor: nothing to scale on one machine, and the autoscaler's process takes 84 MB.
    flags = ["--head", "--disable-usage-stats", "--no-monitor"]
    flags += [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "ray.scripts.scripts", "start", *flags]


def _ray_start(temp: Path, port: int, env: dict[str, str], log: Path) -> bool:
    """Run `ray start --head`; False when it says no or takes too long."""
    with log.open("wb") as output:
        try:
            done = subprocess.run(  # noqa: S603  our own command line
                start_command(temp, port),
                env=env,
                cwd=log.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C at the service's terminal is not for the cluster
                timeout=_START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0


def _fingerprint(settings: Settings) -> str:
    """Changes when jobs would see other settings or another Python."""
    seen = environment(settings, settings.folder / "ray", "")
    text = canonical_json({k: v for k, v in seen.items() if k.startswith("SEGNAS_")} | {"python": sys.executable})
    return hashlib.sha256(text.encode()).hexdigest()


def _token(folder: Path) -> str:
    """The cluster's token, made on first use and readable by its owner only."""
    path = folder / "token"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip()


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
    return Path(tempfile.mkdtemp(prefix="segnas-", dir="/tmp"))


def _write_state(folder: Path, cluster: LocalRay) -> None:
    state = {name: str(value) for name, value in asdict(cluster).items() if name != "folder"}
    write_text_atomically(folder / STATE_FILE, json.dumps(state, indent=2))


def _answers(url: str, token: str) -> bool:
    try:
        reply = httpx.get(f"{url}/api/version", headers={"Authorization": f"Bearer {token}"}, timeout=5.0)
    except httpx.HTTPError:
        return False
    return reply.status_code == httpx.codes.OK


def _wait(url: str, token: str) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(url, token):
        if time.monotonic() > deadline:
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
