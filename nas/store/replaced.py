"""A database file that is removed, moved or replaced while a process has it open: noticed before the next transaction.

SQLite goes on writing to a file that has no name any more, and what it writes is gone when the last process closes it.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from nas.store.errors import StoreError

log = logging.getLogger("segnas.store")

_FILE = "segnas.file"


def notice_other_files(engine: Engine, path: str) -> None:
    """Let an engine leave its connections when another file, or none, has the name of its database.

    A file that stands there instead, such as a restored copy, is used from then on. Where there is none, every use of
    the engine raises a StoreError until there is one: an empty one is made only by who opens a database anew.

    Args:
        engine: Of an SQLite file; it has not connected yet.
        path: The file.
    """
    known: list[tuple[int, int]] = []

    def connecting(*_: Any) -> None:
        if known and _identity(path) is None:
            raise StoreError(
                f"the database cannot be used: {path} is gone, although it is in use; move it back, or end the service "
                "and start it again for a new one"
            )

    def connected(_connection: Any, entry: ConnectionPoolEntry) -> None:
        found = entry.info[_FILE] = _identity(path)
        if found is not None and found not in known:
            if known:
                log.warning("another file stands at %s now; it is the database from now on", path)
            known[:] = [found]

    def taken(_connection: Any, entry: ConnectionPoolEntry, _fairy: Any) -> None:
        found = _identity(path)
        # Asked twice: some network file systems give a file another number at each look, which tells nothing.
        if entry.info.get(_FILE) != found and found == _identity(path):
            raise DisconnectionError(f"{path} is another file than the one that was opened")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", taken)


def _identity(path: str) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  with every transaction
    except OSError:
        return None
    return found.st_dev, found.st_ino
