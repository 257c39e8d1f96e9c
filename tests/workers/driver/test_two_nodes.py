"""A search on a real cluster of two nodes, each with a cache and artifacts of its own, as on two machines.

The nodes are processes of this machine in mount namespaces of their own, in which the folders below the same home
folder are other ones; the head has no CPU. Needs the right to make such namespaces (root, or CAP_SYS_ADMIN).
"""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.store import Store
from tests.workers.driver.nodes import ON_THIS_SYSTEM, RAY_START, Cluster, on_disk, settings_in, start
from workers.cluster import processes
from workers.cluster.environment import environment as cluster_environment
from workers.cluster.jobs import without_dumps


def _may_make_namespaces() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not _may_make_namespaces(), reason="this user may make no mount namespaces"),
]


@dataclass(frozen=True)
class Node:
    """A node: the folder that stands for its disk, and what marks its processes."""

    disk: Path
    marker: str

    def kill(self) -> None:
        """End everything of the node at once, as a machine that loses its power."""
        for process in processes.find(self.marker):
            process.kill()


@dataclass
class TwoNodes(Cluster):
    """A cluster of two nodes that can be killed."""

    nodes: list[Node]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    base = tmp_path_factory.mktemp("two")  # a short name: Ray's sockets lie below
    settings = settings_in(base)
    marker, address = secrets.token_hex(8), f"127.0.0.1:{_free_port()}"
    environment = cluster_environment(settings, base, marker) | ON_THIS_SYSTEM
    command = [*RAY_START, "--node-ip-address=127.0.0.1", "--min-worker-port=0", "--max-worker-port=0"]
    head = [*command, "--head", f"--port={address.rpartition(':')[2]}", "--num-cpus=0", "--include-dashboard=false"]
    head += [f"--temp-dir={base}"]
    worker = [*command, f"--address={address}", "--num-cpus=1"]
    nodes = [Node(base / name, secrets.token_hex(8)) for name in ("one", "two")]
    try:
        start(head, environment, marker)
        for node in nodes:  # one after the other: they choose the names of their sockets in the same folder
            start([*on_disk(node.disk, settings.home), *worker], environment, node.marker)
        with Store.open(settings.store_url) as store:
            store.migrate()
            yield TwoNodes(address, environment, settings, store, nodes)
    finally:
        for left in (*(node.marker for node in nodes), marker):
            processes.end(left, 5.0)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_every_node_makes_its_bank_and_is_named_by_its_trials_and_is_cleared(cluster):
    search_id = cluster.search(trials=4, rungs=(2, 200))
    other = "s00000000000f"  # not on record, and in use until a moment ago
    for node in cluster.nodes:
        for name in (search_id, other):
            (node.disk / "artifacts" / name / "trial-000099").mkdir(parents=True)
    with cluster.drive(search_id) as driver:
        printed, _ = driver.communicate()
    assert cluster.store.get_search(search_id).status is SearchStatus.COMPLETED, printed
    named = cluster.nodes_of(search_id)
    assert len(named) == 2, printed
    assert all(re.fullmatch(rf"{re.escape(socket.gethostname())} \([0-9a-f]{{8}}\)", name) for name in named)
    assert all(trial.node in named for trial in cluster.store.all_trials(search_id))
    for node in cluster.nodes:
        assert len([bank for bank in (node.disk / "cache" / "banks").iterdir() if bank.is_dir()]) == 1
        assert [folder.name for folder in (node.disk / "artifacts").iterdir()] == [other], printed
    assert not list(cluster.settings.cache.iterdir())


def test_a_node_that_is_lost_costs_no_trial_and_floods_no_log(cluster):
    search_id = cluster.search(trials=3, rungs=(2, 10_000))  # some seconds: the trials of both nodes still run then
    with cluster.drive(search_id) as driver:
        cluster.until_two_train(search_id, driver)
        cluster.nodes[1].kill()
        printed, _ = driver.communicate()
    trials = cluster.store.all_trials(search_id)
    assert [trial.status for trial in trials] == [TrialStatus.COMPLETED] * 3, printed
    assert max(trial.attempt for trial in trials) == 2, printed
    shown = without_dumps(printed).splitlines()
    assert len(shown) < 100, printed
    logs = [
        path.read_text(errors="replace") for path in cluster.settings.folder.parent.glob("session_2*/logs/raylet*.out")
    ]
    assert len(logs) >= 3
    assert max(log.count("[state-dump] DebugString()") for log in logs) <= 1  # as the raylet starts
