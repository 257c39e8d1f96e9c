"""Connections and transactions on SQLite (a file in WAL mode) or PostgreSQL (psycopg 3), as the URL says."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json  # reads JSON three times as fast as the standard library
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from nas.store.errors import StoreError
from nas.store.replaced import notice_other_files
from nas.store.tables import Base

BUSY_SECONDS = 30.0
"""How long a writer waits for the lock (SQLite), or a caller for a free connection, before StoreError."""

OVERFLOW = 43
"""Connections beyond the pool's five. Together they are more than the service has threads (40), so none waits."""

SQLITE_OLDEST = (3, 35, 0)
"""The first version of SQLite with RETURNING."""

Clock = Callable[[], float]
Value = TypeVar("Value", str, int, tuple[str, int], tuple[str, int, int])
Insert = sqlite.Insert | postgresql.Insert


def parse_url(url: str) -> URL:
    """Parse a database URL; plain `postgresql://` selects psycopg 3.

    Raises:
        ValueError: The URL is of another form, or names neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The URL itself stays out of the message: it may hold a password.
        raise ValueError("database URL is not of the form sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed.set(drivername="sqlite")
    raise ValueError(f"database {parsed.drivername!r} is not supported; use sqlite:///FILE or postgresql://...")


def make_engine(url: str) -> Engine:
    """Make an engine for a database URL without connecting, and the folder of an SQLite file.

    Raises:
        ValueError: The URL is of another form, or names neither SQLite nor PostgreSQL.
        StoreError: The folder cannot be made, or SQLite is too old.
    """
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        engine = create_engine(
            parsed,
            pool_pre_ping=True,  # a restarted server must not fail the first request after it
            pool_timeout=BUSY_SECONDS,
            max_overflow=OVERFLOW,
            connect_args={"connect_timeout": 10},
            json_deserializer=from_json,
        )
        event.listen(engine, "connect", _configure_postgresql)
        return engine
    if sqlite3.sqlite_version_info < SQLITE_OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed")
    in_memory = parsed.database in (None, "", ":memory:")
    if not in_memory:
        parsed = parsed.set(database=str(_with_folder(Path(str(parsed.database)).expanduser())))
    engine = create_engine(
        parsed,
        poolclass=QueuePool,
        pool_timeout=BUSY_SECONDS,
        # A database in memory lives in a single connection, for which threads take turns.
        pool_size=1 if in_memory else 5,
        max_overflow=0 if in_memory else OVERFLOW,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        json_deserializer=from_json,
    )
    if not in_memory and not str(parsed.database).startswith("file:"):
        notice_other_files(engine, str(parsed.database))
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_postgresql(connection: Any, _record: Any) -> None:
    """Have a commit wait until it is in the server's log, also where the server is set up not to wait.

    With `synchronous_commit = off` a crash takes the last half second of commits along, and a driver that lives on
    never writes again what it knows to be written. Stricter settings, which wait for a standby, stay.
    """
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _with_folder(path: Path) -> Path:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder of the database cannot be made: {error}") from None
    return path


def _make_private(_dialect: Any, _record: Any, arguments: Sequence[Any], _options: Any) -> None:
    """Make a database file that is not there yet, readable by its owner only; SQLite gives its log the same rights.

    The file itself is never opened here: whoever closes a file loses all of the process's locks on it, those of other
    connections too, and SQLite in another process then removes the log that these still write to.
    """
    path = str(arguments[0])
    if path == ":memory:" or path.startswith("file:") or os.path.exists(path):  # noqa: PTH110  as SQLite is given it
        return
    with suppress(OSError):  # SQLite says what is wrong
        descriptor, empty = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".new-")  # noqa: PTH120
        os.close(descriptor)
        try:
            os.link(empty, path)  # unless another process has made it meanwhile
        finally:
            os.unlink(empty)  # noqa: PTH108


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver emits no BEGIN of its own; _begin_sqlite does
    connection.execute("PRAGMA foreign_keys = ON")
    # WAL with synchronous NORMAL: a transaction survives the death of any process, kill -9 included. A power cut
    # or a crash of the operating system may lose the last transactions since a checkpoint, but leaves the file
    # consistent; what was lost is measured again (execution is at least once).
    connection.execute("PRAGMA synchronous = NORMAL")
    _write_ahead(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. SQLite does not wait when two connections switch at once: it reports busy, so retry."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and then writes cannot wait for the lock: SQLite answers
    # "database is locked" at once, since its snapshot is old. So writers take the lock with their BEGIN.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class Database:
    """Short transactions and the clock, which all parts of the store share."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        self._clock = clock

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """Open a transaction that may write; raises StoreError when the database cannot be reached or stays locked."""
        with store_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """Open a transaction that only reads and never waits for a writer."""
        with store_errors(), self._reader.begin() as connection:
            yield connection

    def _insert(self, table: type[Base]) -> Insert:
        """INSERT in the database's own dialect, which has `on_conflict_do_nothing`."""
        if self._engine.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)


@contextmanager
def store_errors() -> Iterator[None]:
    """Raise StoreError instead of the database driver's errors for an unreachable, locked or broken database."""
    try:
        yield
    except (DatabaseError, InterfaceError, PoolTimeoutError) as error:
        if isinstance(error, DatabaseError) and type(error) not in (DatabaseError, InternalError, OperationalError):
            # The other subclasses mean a wrong statement or value; the class itself means a broken file, an internal
            # error a server that takes no writes, such as a standby before it is promoted.
            raise
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the database cannot be used: {cause}") from error


def in_parts(values: Collection[Value], size: int = 1000) -> Iterator[list[Value]]:
    """Yield the distinct values in lists of at most `size`: both databases limit the parameters of a statement."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def clean_text(text: str | None, limit: int = 4000) -> str | None:
    """Make text that both databases can hold: no NUL, no lone surrogates, at most `limit` characters."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:limit]
