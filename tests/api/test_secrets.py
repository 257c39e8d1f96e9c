"""What a real trial's process can see of the secrets of a real service: nothing in its environment or command line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nas.client import Client
from nas.results.status import SearchStatus, TrialStatus
from nas.settings import Settings
from tests.postgres import PostgresServer, candidates
from tests.workers.conftest import write_scenes
from workers.cluster.local import LocalRay
from workers.cluster.processes import find

PASSWORD = "not-for-trials"
OWN = "the-service's-own-token"
PATIENCE = 600.0


@pytest.fixture
def database() -> Iterator[str]:
    for binaries in candidates():
        with contextlib.suppress(RuntimeError, OSError):
            server = PostgresServer(binaries)
            url = server.url(server.create())
            yield url.replace("postgres@", f"postgres:{PASSWORD}@")
            server.stop()
            return
    pytest.skip("no PostgreSQL server")


@pytest.mark.ray
@pytest.mark.postgres
@pytest.mark.timeout(2400)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_no_process_of_ray_has_the_services_secrets(tmp_path, monkeypatch, database):
    home, log = tmp_path / "home", tmp_path / "service.log"
    ours = {
        "SEGNAS_HOME": str(home),
        "SEGNAS_DATABASE_URL": database,
        "SEGNAS_TOKEN": OWN,
        "SEGNAS_DASHBOARD_PORT": "0",
        "SEGNAS_DATASETS": f'{{"tiny": {{"layout": "cityscapes", "root": "{write_scenes(tmp_path / "scenes")}"}}}}',
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SEGNAS_", "RAY_"))}
    command = [sys.executable, "-c", "import nas.cli; nas.cli.main()", "serve", "--port", "0"]
    with log.open("w") as output:
        service = subprocess.Popen(command, env=inherited | ours, stdout=output, stderr=subprocess.STDOUT)
    try:
        _until((home / "server.json").exists, log, service)
        settings = Settings(home=home, token=OWN)
        with Client.from_home(settings) as client:
            search = client.create_search(
                {
                    "name": "looked into",
                    "trials": 2,
                    "fidelity": {"dataset": "tiny", "rungs": [400], "crop": [65, 65], "batch": 2},
                    "resources": {"cpus": 1, "concurrent": 1},
                }
            )
            _until(lambda: client.search(search.id).trials[TrialStatus.RUNNING], log, service)
            ray = LocalRay.attach(settings)
            assert ray is not None
            seen = {**_look(ray), "worker": [_inside(ray)]}
            ended = client.wait(search.id, timeout=PATIENCE)
            assert (ended.status, ended.trials[TrialStatus.COMPLETED]) == (SearchStatus.COMPLETED, 2), ended.message
        assert {"trial", "driver"} <= set(seen), "no process of the search was looked into"
        for role, texts in seen.items():
            for text in texts:
                assert PASSWORD not in text, role
                assert OWN not in text, role
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(timeout=PATIENCE)


def _look(ray: LocalRay) -> dict[str, list[str]]:
    """Environment and command line of every process of the cluster, by what it does."""
    seen: dict[str, list[str]] = {}
    for process in find(ray.marker):
        with contextlib.suppress(psutil.Error, OSError):
            command = Path(f"/proc/{process.pid}/cmdline").read_text(errors="replace").replace("\0", " ")
            environment = Path(f"/proc/{process.pid}/environ").read_text(errors="replace")
            role = "driver" if "workers.driver" in command else "trial" if "ray::" in command else "other"
            seen.setdefault(role, []).append(f"{command} {environment}")
    return seen


_INSIDE = """
import json, os, sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
print(json.dumps(ray.get(ray.remote(lambda: dict(os.environ)).remote())))
"""


def _inside(ray: LocalRay) -> str:
    """The environment that a worker has: a process that has set its title has written over what /proc shows."""
    command = [sys.executable, "-c", _INSIDE, ray.address]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        command,
        env=environment | ray.client_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert "SEGNAS_DATABASE_URL_FILE" in done.stdout
    return done.stdout


def _until(condition, log: Path, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert service.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
