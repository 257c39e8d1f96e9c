"""A service with the two data sets, started for the benchmark; its searches are found again by a second run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.real.brain import make
from benchmarks.real.protocol import HELD_OUT_DATA, SEARCH_DATA, chosen
from nas.client import Client, ClientError
from nas.results.status import SearchStatus
from nas.schemas.searches import SearchPublic

SEGNAS = str(Path(sys.executable).with_name("segnas"))
PATIENCE = 180.0
"""Seconds within which the service must be ready."""


@dataclass(frozen=True)
class Bench:
    """A running service whose searches have names, by which a second run of the benchmark finds them."""

    client: Client

    def done(self, name: str, body: Mapping[str, Any]) -> SearchPublic:
        """Return the finished search of a name; the search is created unless an earlier run did that.

        Args:
            name: Of the search.
            body: The request, without the name.

        Raises:
            RuntimeError: The search failed or was stopped.
        """
        started = time.monotonic()
        search = self.client.create_search({"name": name, **body}, idempotency_key=f"real {name}")
        search = self.client.wait(search.id)
        if search.status is not SearchStatus.COMPLETED:
            raise RuntimeError(f"{name} ({search.id}) is {search.status}: {search.message}")
        print(f"{name}: {search.id}, {time.monotonic() - started:.0f} s", flush=True)
        return search


def prepare_data(folder: Path, package: Path | None) -> dict[str, Path]:
    """Make the slices, and link them into one folder for each of the two data sets; return the folders by name."""
    slices = folder / "slices"
    if not slices.exists():
        make(slices, package)
    val = [path.stem for path in (slices / "images" / "val").iterdir()]
    folders = {}
    for name, kept in ((SEARCH_DATA, 0), (HELD_OUT_DATA, 1)):
        folders[name] = folder / name
        names = {"train": [path.stem for path in (slices / "images" / "train").iterdir()], "val": chosen(val, kept)}
        for kind in ("images", "masks"):
            for split, stems in names.items():
                there = folders[name] / kind / split
                there.mkdir(parents=True, exist_ok=True)
                for stem in stems:
                    with contextlib.suppress(FileExistsError):
                        os.link(slices / kind / split / f"{stem}.png", there / f"{stem}.png")
        (folders[name] / "classes.txt").write_bytes((slices / "classes.txt").read_bytes())
    return folders


@contextlib.contextmanager
def running(folder: Path, datasets: Mapping[str, Path]) -> Iterator[Bench]:
    """Run a service whose home is in `folder`, with the data sets registered as a user would register them."""
    os.environ.update(SEGNAS_HOME=str(folder / "home"), SEGNAS_PORT="0", SEGNAS_DASHBOARD_PORT="0")
    for name, root in datasets.items():
        subprocess.run([SEGNAS, "data", "add", name, str(root), "--replace"], check=True, stdout=subprocess.DEVNULL)
    with (folder / "serve.log").open("a") as log:
        server = subprocess.Popen([SEGNAS, "serve"], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Bench(_connected(server, folder / "serve.log"))
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=60)
        server.kill()


def _connected(server: subprocess.Popen[bytes], log: Path) -> Client:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(ClientError, ValueError):
            client = Client.from_home()
            if client.ready():
                return client
        time.sleep(0.5)
    raise RuntimeError(f"the service did not start; see {log}")
