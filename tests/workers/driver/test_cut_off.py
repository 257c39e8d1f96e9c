"""A node that is cut off from the network in mid-trial, and one that is told to stop.

Head and nodes are processes of this machine in network namespaces of their own, joined by a bridge, so that a node's
cable can be pulled: the node goes on and reaches nobody. Needs the right to make namespaces (root).
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nas.results.status import TrialStatus
from nas.store import Store
from tests.workers.driver.nodes import ON_THIS_SYSTEM, RAY_START, Cluster, on_disk, settings_in, start
from workers.cluster import processes
from workers.cluster.environment import environment as cluster_environment

SUBNET, PORT = "10.201.77", 6379

NOTICED = {
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "2000",
    "RAY_health_check_timeout_ms": "4000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1",
}
"""A head misses a silent node within half a minute, and a node drains for a second: shorter than Ray's defaults."""


def _ip(*arguments: str, check: bool = True) -> bool:
    return subprocess.run(["ip", *arguments], check=check, capture_output=True).returncode == 0


def _may_make_networks() -> bool:
    name = f"sg{secrets.token_hex(3)}"
    if shutil.which("ip") is None or not _ip("netns", "add", name, check=False):
        return False
    try:
        return _ip("-n", name, "link", "add", "bridge", "type", "bridge", check=False)
    finally:
        _ip("netns", "del", name)


pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not _may_make_networks(), reason="this user may make no network namespaces"),
]


@dataclass(frozen=True)
class Network:
    """Network namespaces of a head (`names[0]`, address .1, with the bridge) and of nodes (.2, .3, ...)."""

    names: list[str]

    @classmethod
    def of(cls, nodes: int) -> Network:
        prefix = f"sg{secrets.token_hex(3)}"
        network = cls([f"{prefix}{index}" for index in range(nodes + 1)])
        head, *others = network.names
        for name in network.names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", head, "link", "add", "bridge", "type", "bridge")
        _ip("-n", head, "addr", "add", f"{SUBNET}.1/24", "dev", "bridge")
        _ip("-n", head, "link", "set", "bridge", "up")
        for index, name in enumerate(others, 2):
            _ip("-n", head, "link", "add", f"to{index}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", head, "link", "set", f"to{index}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"{SUBNET}.{index}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        return network

    def within(self, index: int) -> list[str]:
        """The beginning of a command that runs in one of the namespaces."""
        return ["ip", "netns", "exec", self.names[index]]

    def cut(self, index: int) -> None:
        """Pull the cable of a node."""
        _ip("-n", self.names[0], "link", "set", f"to{index + 1}", "down")

    def remove(self) -> None:
        for name in self.names:
            _ip("netns", "del", name, check=False)


@dataclass
class Machines(Cluster):
    """Two nodes and a head on a network; the second node is a `ray start --block`, as an init system runs one."""

    network: Network
    second: subprocess.Popen[bytes]

    def drive_beside_head(self, search_id: str) -> subprocess.Popen[str]:
        """Start a driver of the search in the head's namespace."""
        return self.drive(search_id, within=self.network.within(0))


@pytest.fixture
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    base = tmp_path_factory.mktemp("cut")  # a short name: Ray's sockets lie below
    settings, address = settings_in(base), f"{SUBNET}.1:{PORT}"
    markers = [secrets.token_hex(8) for _ in range(3)]
    environment = cluster_environment(settings, base, markers[0]) | NOTICED | ON_THIS_SYSTEM
    head = ["--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={base}"]
    network = Network.of(2)
    second: subprocess.Popen[bytes] | None = None
    try:
        start([*network.within(0), *RAY_START, f"--node-ip-address={SUBNET}.1", *head], environment, markers[0])
        nodes = [
            [
                *network.within(index),
                *on_disk(base / str(index), settings.home),
                *RAY_START,
                f"--address={address}",
                "--num-cpus=1",
                f"--node-ip-address={SUBNET}.{index + 1}",
            ]
            for index in (1, 2)
        ]
        start(nodes[0], environment, markers[1])
        second = subprocess.Popen(
            [*nodes[1], "--block"],
            env=environment | {processes.MARKER: markers[2]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with Store.open(settings.store_url) as store:
            store.migrate()
            yield Machines(address, environment, settings, store, network, second)
    finally:
        for left in reversed(markers):
            processes.end(left, 5.0)
        if second is not None:
            second.wait(30)
        network.remove()


def completed_elsewhere(machines: Machines, search_id: str, printed: str) -> None:
    trials = machines.store.all_trials(search_id)
    assert [trial.status for trial in trials] == [TrialStatus.COMPLETED] * 3, printed
    again = [trial for trial in trials if trial.attempt > 1]
    assert [trial.attempt for trial in again] == [2], printed
    assert len({trial.node for trial in trials}) == 1, "all have ended on the node that was left"


def test_a_node_that_is_cut_off_in_mid_trial_costs_no_trial(machines):
    search_id = machines.search(trials=3, rungs=(2, 10_000))
    with machines.drive_beside_head(search_id) as driver:
        machines.until_two_train(search_id, driver)
        machines.network.cut(2)
        printed, _ = driver.communicate()
    completed_elsewhere(machines, search_id, printed)


def test_a_node_that_is_told_to_stop_ends_by_itself_and_costs_no_trial(machines):
    search_id = machines.search(trials=3, rungs=(2, 10_000))
    with machines.drive_beside_head(search_id) as driver:
        machines.until_two_train(search_id, driver)
        machines.second.send_signal(signal.SIGTERM)
        assert machines.second.wait(60) == 1, "it drained, and then ended what it ran"
        printed, _ = driver.communicate()
    completed_elsewhere(machines, search_id, printed)
