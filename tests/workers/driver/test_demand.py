"""What a waiting search shows an autoscaler, on a cluster that Ray's autoscaler makes of processes of this machine."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nas.settings import Settings
from workers.cluster import processes
from workers.cluster.environment import environment as cluster_environment

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

RAY = [sys.executable, "-P", "-m", "ray.scripts.scripts"]

DRIVER = """
import sys
import ray
from nas.specs import Resources
from workers.driver.preparation import await_resources

ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
resources = Resources(**eval(sys.argv[2]))
print(await_resources(resources, lambda text, done, total: print(text, flush=True), lambda: True), flush=True)
print({node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]}, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Pool:
    """A cluster whose head has no CPU, and which may start two nodes of two CPUs."""

    address: str
    environment: dict[str, str]

    def demands(self) -> list[str]:
        """What `ray status` lists as demands."""
        command = [*RAY, "status", f"--address={self.address}"]
        printed = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, start_new_session=True
        ).stdout
        listed = re.search(r"(?:Pending )?Demands:\n((?: .*\n?)+)", printed)
        assert listed is not None, printed
        return [line.strip() for line in listed[1].splitlines() if "no resource demands" not in line]

    def waiting(self) -> int:
        """How many placement groups `ray status` counts: autoscaler v2 lists all of them behind the name of one."""
        counts = [re.search(r": (\d+)\+ pending placement groups", line) for line in self.demands()]
        return sum(int(count[1]) for count in counts if count is not None)

    @contextlib.contextmanager
    def driver(self, **resources: float) -> Iterator[subprocess.Popen[str]]:
        """A program that waits for resources as the driver of a search does."""
        command = [sys.executable, "-c", DRIVER, self.address, repr(resources)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=self.environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        ) as running:
            try:
                yield running
            finally:
                running.kill()


@pytest.fixture(scope="module", params=["1", "0"], ids=["autoscaler v2", "autoscaler v1"])
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    # Not ray.cluster_utils.AutoscalingCluster: it ends every Ray of the machine, and Ray's wheel lacks a file of its.
    folder, marker, port = tmp_path_factory.mktemp("pool"), secrets.token_hex(8), _free_port()
    address = f"127.0.0.1:{port}"
    (folder / "token").write_text(secrets.token_hex(32))
    (folder / "pool.json").write_text(json.dumps(configuration(address)))
    environment = cluster_environment(Settings(home=folder), folder, marker) | {
        "RAY_FAKE_CLUSTER": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "RAY_enable_autoscaler_v2": request.param,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    start = [*RAY, "start", "--head", f"--port={port}", "--num-cpus=0", "--num-gpus=0", "--include-dashboard=false"]
    start += ["--node-ip-address=127.0.0.1", f"--temp-dir={folder}", f"--autoscaling-config={folder / 'pool.json'}"]
    start += ["--object-store-memory=80000000", "--disable-usage-stats", "--min-worker-port=0", "--max-worker-port=0"]
    try:
        for _ in range(TRIES):
            started = _run(start, environment)
            if started.returncode == 0:
                break
            processes.end(marker, 1.0)
        assert started.returncode == 0, started.stderr
        yield Pool(address, environment)
    finally:
        processes.end(marker, 5.0)


TRIES = 2
"""Ray gives its raylet 30 seconds to start, which may be too few on a busy machine."""

HEAD_ID = "f" * 51 + "00000"
"""By which Ray's pool of processes knows its head."""


COMMANDS = (
    *("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"),
    *("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files", "rsync_exclude", "rsync_filter"),
)
"""Lists that the autoscaler does not add by itself; of no use where nodes are processes."""


def configuration(address: str) -> dict[str, Any]:
    """Of the autoscaler: nodes are processes of this machine, and those that idle for 3 seconds are ended."""
    return {
        "cluster_name": "pool",
        "max_workers": 2,
        "idle_timeout_minutes": 0.05,
        "provider": {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": address,
            "head_node_id": HEAD_ID,
            "launch_multiple": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "pool": {"resources": {"CPU": 2}, "node_config": {}, "min_workers": 0, "max_workers": 2},
        },
        "head_node_type": "ray.head.default",
        "upscaling_speed": 100,
        "auth": {},
        "docker": {},
        "file_mounts": {},
        **{name: [] for name in COMMANDS},
    }


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # In a session of its own: processes.end ends the sessions of all that carry the marker.
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, start_new_session=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.5)


def test_a_node_is_started_for_a_search_that_waits_and_the_demand_is_withdrawn(pool):
    assert pool.demands() == []
    with pool.driver(cpus=2) as driver:
        assert driver.stdout is not None
        said = [driver.stdout.readline().strip()]
        while said[-1].startswith("waiting"):
            said.append(driver.stdout.readline().strip())
        assert set(said[:-1]) == {"waiting for a node with 2 CPUs"}
        assert said[-1] == "True"
        assert driver.stdout.readline().strip() == "{0.0, 2.0}"
        eventually(lambda: pool.demands() == [])


def test_every_waiting_search_is_listed_until_its_driver_dies(pool):
    with pool.driver(cpus=16) as first:
        eventually(lambda: pool.demands() == ["{'CPU': 16.0} * 1 (PACK): 1+ pending placement groups"])
        with pool.driver(cpus=2, gpus=2, workers=2):
            eventually(lambda: pool.waiting() == 2)
            first.kill()
            eventually(lambda: pool.waiting() == 1)
            assert all("'GPU': 1.0" in line and "* 2 (PACK)" in line for line in pool.demands())
    eventually(lambda: pool.demands() == [])
