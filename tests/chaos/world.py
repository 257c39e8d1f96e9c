"""A service as it runs on somebody's machine: its home, its database, and an init system that starts it again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from nas.client import Client, ClientError
from nas.client.address import SERVER_FILE, RunningServer
from nas.results.status import SearchStatus
from nas.schemas.searches import SearchPublic
from nas.settings import Settings
from nas.state_files import read_state
from tests.postgres import PostgresServer

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
CLOCK = Path(__file__).parent / "clock"
"""Has a `sitecustomize`, which Python imports by itself."""

PATIENCE = 180.0
"""Seconds within which a service that was started, or lost its Ray, must be ready."""

SPEC: dict[str, Any] = {
    "kind": "black_box",
    "strategy": {"name": "random"},
    "early_stopping": None,
    "retries": 10,
    "resources": {"cpus": 1, "concurrent": 2},
    "fidelity": {
        "dataset": "tiny",
        "backbone": {"name": "mobilenet_v2", "blocks": 5, "output_stride": 8, "width": 0.25, "warmup_iterations": 2},
        "head": {"channels": 8},
        "crop": [64, 128],
        "rungs": [5, 20, 60],
        "batch": 4,
    },
}
"""Trials of a second or two, each with three measurements."""


class World:
    """The service and what it stands on.

    Args:
        folder: Empty; becomes the parent of the home folder.
        scenes: A data set in the Cityscapes layout.
        postgres: The database server; None for the default, an SQLite file in the home folder.
    """

    def __init__(self, folder: Path, scenes: Path, postgres: PostgresServer | None = None) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.postgres = postgres
        self.log = folder / "serve.log"
        self._clock = folder / "clock"
        self._clock.write_bytes(struct.pack("d", 0.0))
        self.starts = 0
        database = {} if postgres is None else {"SEGNAS_DATABASE_URL": postgres.url(postgres.create())}
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SEGNAS_", "RAY_"))} | {
            "SEGNAS_HOME": str(self.home),
            "SEGNAS_DATASETS": json.dumps({"tiny": {"layout": "cityscapes", "root": str(scenes)}}),
            "SEGNAS_PORT": "0",
            "SEGNAS_DASHBOARD_PORT": "0",
            "SEGNAS_RECONCILE_SECONDS": "0.5",
            "PYTHONPATH": os.pathsep.join([str(CLOCK), str(ROOT)]),
            "CHAOS_CLOCK": str(self._clock),
            **database,
        }
        self._ending = threading.Event()
        self._service: subprocess.Popen[bytes] | None = None
        self._init = threading.Thread(target=self._keep_running, name="init", daemon=True)

    @property
    def store_url(self) -> str:
        """The database's URL."""
        return self.environment.get("SEGNAS_DATABASE_URL", self.settings.store_url)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home)

    @contextlib.contextmanager
    def running(self) -> Iterator[World]:
        """Run the service within the context, and start it again whenever it ends."""
        self._init.start()
        try:
            self.eventually(lambda: self.ask(Client.ready), "ready")
            yield self
        finally:
            self._ending.set()
            self._init.join()

    def _keep_running(self) -> None:
        while not self._ending.is_set():
            with self.log.open("ab") as log:
                command = [sys.executable, "-m", "api"]
                self._service = subprocess.Popen(
                    command, env=self.environment, cwd=self.home, stdout=log, stderr=subprocess.STDOUT
                )
                self.starts += 1
            while self._service.poll() is None and not self._ending.wait(0.2):
                pass
            if self._service.poll() is None:
                self._service.send_signal(signal.SIGTERM)
                self._service.wait(PATIENCE)
            else:
                self._ending.wait(0.5)

    def ask(self, question: Callable[[Client], T]) -> T:
        """Ask the service, wherever it listens now.

        Raises:
            ClientError: It does not answer, or refuses.
        """
        if read_state(self.settings.folder / SERVER_FILE, RunningServer) is None:
            raise ClientError("the service has not started yet")  # else the one at the default port is asked
        with Client.from_home(self.settings) as client:
            return question(client)

    def eventually(self, question: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
        """Ask until the answer is true, whatever errors there are until then."""
        deadline, last = time.monotonic() + patience, "no"
        while time.monotonic() < deadline:
            try:
                if answer := question():
                    return answer
            except (ClientError, OSError) as error:
                if isinstance(error, ClientError) and error.status == httpx.codes.UNPROCESSABLE_ENTITY:
                    raise  # a mistake of the test's own
                last = str(error)
            time.sleep(0.3)
        raise AssertionError(f"not {what} after {patience:g} s: {last}\n{self.log.read_text()[-3000:]}")

    def submit(self, name: str, trials: int, seed: int) -> str:
        """Create a search, by a key that makes repeating harmless, and return its id."""
        body = {**SPEC, "name": name, "trials": trials, "seed": seed}
        created = self.eventually(lambda: self.ask(lambda c: c.create_search(body, name)), f"{name} taken")
        return created.id

    def search(self, search_id: str) -> SearchPublic:
        """Read a search, however long that takes."""
        return self.eventually(lambda: self.ask(lambda client: client.search(search_id)), "answered")

    def finish(self, search_id: str, seconds: float) -> SearchPublic:
        """Wait for the end of a search.

        Raises:
            AssertionError: It is not over in time.
        """

        def ended() -> SearchPublic | None:
            found = self.ask(lambda client: client.search(search_id))
            return found if found.status.terminal else None

        return self.eventually(ended, f"search {search_id} over", seconds)

    def over(self, search_id: str) -> bool:
        """Whether a search is over; False when nobody says."""
        with contextlib.suppress(ClientError, OSError):
            return self.ask(lambda client: client.search(search_id)).status in (
                SearchStatus.COMPLETED,
                SearchStatus.FAILED,
                SearchStatus.STOPPED,
            )
        return False

    def set_clock(self, seconds: float) -> None:
        """Set the time of day of the service and of all Python processes of its Ray: seconds beyond the machine's."""
        with self._clock.open("r+b") as file:  # the same file, which they have mapped
            file.write(struct.pack("d", seconds))

    def processes(self) -> list[psutil.Process]:
        """Find the service and the processes of its Ray, whoever their parents are now."""
        mine, sessions = [], set()
        home = f"SEGNAS_HOME={self.home}".encode()
        for process in psutil.process_iter():
            try:
                if home in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                    sessions.add(os.getsid(process.pid))
            except OSError:
                continue
        ours = os.getsid(0)
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                session = os.getsid(process.pid)
                service = self._service is not None and process.pid == self._service.pid
                if service or (session in sessions and session != ours):
                    mine.append(process)
        return mine

    def service(self) -> psutil.Process | None:
        """The service's own process; None between two."""
        with contextlib.suppress(psutil.Error):
            if self._service is not None and self._service.poll() is None:
                return psutil.Process(self._service.pid)
        return None
