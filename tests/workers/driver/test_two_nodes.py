"""A search on a real cluster of two nodes, each with a cache and artifacts of its own, as on two machines.

The nodes are processes of this machine in mount namespaces of their own, in which the folders below the same home
folder are other ones; the head has no CPU. Needs the right to make such namespaces (root, or CAP_SYS_ADMIN).
"""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nas.data.entry import DatasetEntry
from nas.results.status import SearchStatus, TrialStatus
from nas.settings import Settings
from nas.specs import (
    AugmentSpec,
    BackboneSpec,
    BlackBoxSpec,
    CellLimit,
    DenseCellSpace,
    Fidelity,
    HeadSpec,
    Resources,
)
from nas.store import Store
from tests.workers.conftest import write_scenes
from workers.cluster import processes
from workers.cluster.environment import environment as cluster_environment
from workers.cluster.jobs import without_dumps

RAY = [sys.executable, "-P", "-m", "ray.scripts.scripts"]

FOLDERS = ("cache", "artifacts")
"""Below the home folder: each node has its own."""

TRIES = 3
"""Ray gives its raylet 30 seconds to start, which may be too few on a busy machine."""


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
class TwoNodes:
    """The cluster, and the store that its drivers use."""

    address: str
    environment: dict[str, str]
    settings: Settings
    store: Store
    nodes: list[Node]

    def drive(self, search_id: str) -> subprocess.Popen[str]:
        """Start a driver of the search, as the job server does; what it prints is what `segnas logs` shows."""
        command = [sys.executable, "-P", "-m", "workers.driver", search_id, str(self.store.begin_driver(search_id))]
        return subprocess.Popen(
            command,
            env=self.environment | {"RAY_ADDRESS": self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def nodes_of(self, search_id: str) -> set[str]:
        """The nodes that trials of the search name."""
        return {trial.node for trial in self.store.all_trials(search_id) if trial.node is not None}


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    base = tmp_path_factory.mktemp("two")  # a short name: Ray's sockets lie below
    home, marker, address = base / "home", secrets.token_hex(8), f"127.0.0.1:{_free_port()}"
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True)
    (base / "token").write_text(secrets.token_hex(32))
    settings = Settings(
        home=home,
        database_url=f"sqlite:///{home / 'segnas.db'}",
        datasets={"tiny": DatasetEntry(layout="cityscapes", root=write_scenes(base / "scenes"))},
    )
    environment = cluster_environment(settings, base, marker) | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
    start = [*RAY, "start", "--node-ip-address=127.0.0.1", "--num-gpus=0", "--object-store-memory=80000000"]
    start += ["--min-worker-port=0", "--max-worker-port=0"]
    head = [*start, "--head", f"--port={address.rpartition(':')[2]}", "--num-cpus=0", "--include-dashboard=false"]
    head += [f"--temp-dir={base}"]
    worker = [*start, f"--address={address}", "--num-cpus=1"]
    nodes = [Node(base / name, secrets.token_hex(8)) for name in ("one", "two")]
    try:
        _start(head, environment, marker)
        for node in nodes:  # one after the other: they choose the names of their sockets in the same folder
            _start([*_on_disk(node.disk, home), *worker], environment, node.marker)
        with Store.open(settings.store_url) as store:
            store.migrate()
            yield TwoNodes(address, environment, settings, store, nodes)
    finally:
        for left in (*(node.marker for node in nodes), marker):
            processes.end(left, 5.0)


def _on_disk(disk: Path, home: Path) -> list[str]:
    """The beginning of a command that runs in a mount namespace in which folders of the home folder are the disk's."""
    mounts = []
    for folder in FOLDERS:
        (disk / folder).mkdir(parents=True)
        mounts.append(f"mount --bind {disk / folder} {home / folder}")
    return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]


def _start(command: list[str], environment: dict[str, str], marker: str) -> None:
    marked = environment | {processes.MARKER: marker}
    for _ in range(TRIES):
        started = subprocess.run(
            command, env=marked, check=False, capture_output=True, text=True, start_new_session=True
        )
        if started.returncode == 0:
            return
        processes.end(marker, 1.0)
    raise AssertionError(started.stdout + started.stderr)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def search(cluster: TwoNodes, trials: int, rungs: tuple[int, ...]) -> str:
    """Record a search whose trials take one CPU each, which is all that a node has."""
    fidelity = Fidelity(
        dataset="tiny",
        backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=2),
        head=HeadSpec(channels=4, dropout=0.0, rate_multiplier=1),
        crop=(64, 128),
        augment=AugmentSpec(scale=(1.0, 1.0)),
        rungs=rungs,
        batch=4,
        label_stride=8,
    )
    spec = BlackBoxSpec(
        name="two nodes",
        space=DenseCellSpace(branches=1, limit=CellLimit(parameters=100_000)),
        fidelity=fidelity,
        trials=trials,
        early_stopping=None,
        retries=2,
        resources=Resources(cpus=1, concurrent=2),
    )
    return cluster.store.create_search(spec)[0].id


def test_every_node_makes_its_bank_and_is_named_by_its_trials_and_is_cleared(cluster):
    search_id = search(cluster, trials=4, rungs=(2, 200))
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
    search_id = search(cluster, trials=3, rungs=(2, 10_000))  # some seconds: the trials of both nodes still run then
    with cluster.drive(search_id) as driver:
        deadline = time.monotonic() + 300
        while len(cluster.nodes_of(search_id)) < 2:  # both are between the rungs of a trial
            assert time.monotonic() < deadline
            assert driver.poll() is None
            time.sleep(0.2)
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
