"""Nodes of a cluster as processes of this machine, each with a cache and artifacts of its own below one home folder."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.data.entry import DatasetEntry
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

RAY_START = [sys.executable, "-P", "-m", "ray.scripts.scripts", "start", "--num-gpus=0"]
RAY_START += ["--object-store-memory=80000000"]

ON_THIS_SYSTEM = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}

FOLDERS = ("cache", "artifacts")
"""Below the home folder: each node has its own."""

TRIES = 3
"""Ray gives its raylet 30 seconds to start, which may be too few on a busy machine."""


@dataclass
class Cluster:
    """A cluster whose head has no CPU, and the store that its drivers use."""

    address: str
    environment: dict[str, str]
    settings: Settings
    store: Store

    def drive(self, search_id: str, within: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a driver of the search, as the job server does; what it prints is what `segnas logs` shows.

        Args:
            search_id: The search.
            within: The beginning of a command that runs in the head's namespaces.
        """
        attempt = str(self.store.begin_driver(search_id))
        return subprocess.Popen(
            [*within, sys.executable, "-P", "-m", "workers.driver", search_id, attempt],
            env=self.environment | {"RAY_ADDRESS": self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def nodes_of(self, search_id: str) -> set[str]:
        """The nodes that trials of the search name."""
        return {trial.node for trial in self.store.all_trials(search_id) if trial.node is not None}

    def until_two_train(self, search_id: str, driver: subprocess.Popen[str]) -> None:
        """Wait until each of two nodes is between the rungs of a trial."""
        deadline = time.monotonic() + 400
        while len(self.nodes_of(search_id)) < 2:
            assert time.monotonic() < deadline
            assert driver.poll() is None
            time.sleep(0.2)

    def search(self, trials: int, rungs: tuple[int, ...]) -> str:
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
        return self.store.create_search(spec)[0].id


def settings_in(base: Path) -> Settings:
    """Make a home folder with a data set in a folder, and a cluster's token beside it."""
    home = base / "home"
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True)
    (base / "token").write_text(secrets.token_hex(32))
    return Settings(
        home=home,
        database_url=f"sqlite:///{home / 'segnas.db'}",
        datasets={"tiny": DatasetEntry(layout="cityscapes", root=write_scenes(base / "scenes"))},
    )


def on_disk(disk: Path, home: Path) -> list[str]:
    """The beginning of a command that runs in a mount namespace in which folders of the home folder are the disk's."""
    mounts = []
    for folder in FOLDERS:
        (disk / folder).mkdir(parents=True)
        mounts.append(f"mount --bind {disk / folder} {home / folder}")
    return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]


def start(command: list[str], environment: dict[str, str], marker: str) -> None:
    """Start a head or a node, whose processes bear a marker, and wait until it is up."""
    marked = environment | {processes.MARKER: marker}
    for _ in range(TRIES):
        started = subprocess.run(
            command, env=marked, check=False, capture_output=True, text=True, start_new_session=True
        )
        if started.returncode == 0:
            return
        processes.end(marker, 1.0)
    raise AssertionError(started.stdout + started.stderr)
