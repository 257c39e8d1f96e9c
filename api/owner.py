"""One service for each home folder: a lock that dies with its process, and who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from nas.client.address import LOCK_FILE, Owner
from nas.state_files import read_state


class HomeTakenError(RuntimeError):
    """Another service runs on the home folder."""


@dataclass(frozen=True)
class Ownership:
    """The held lock of a home folder."""

    file: TextIO

    def announce(self, url: str) -> None:
        """Write down for other services which process holds the folder, and where it serves."""
        owner = Owner(pid=os.getpid(), host=socket.gethostname(), url=url, since=datetime.now(UTC))
        self.file.truncate(0)
        self.file.write(owner.model_dump_json())
        self.file.flush()


def make_private(folder: Path) -> None:
    """Take the rights of others off the database file of a home folder, which an older version made for all to read.

    The folder itself stays as it is: who has opened it may share data sets in it.

    Args:
        folder: The home folder.
    """
    for path in folder.glob("segnas.db*"):
        with contextlib.suppress(OSError):  # somebody else's file, or one that has gone
            if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
                path.chmod(mode & 0o700)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def own(folder: Path) -> Iterator[Ownership]:
    """Hold a home folder as its only service.

    The kernel releases the lock when the process dies, however it dies; what the process starts does not inherit the
    lock. So a service that was killed does not keep the next one from starting.

    Args:
        folder: The home folder.

    Raises:
        HomeTakenError: Another service holds the folder; the message says which.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / LOCK_FILE
    with open(path, "a", opener=_private) as file:  # "w" would erase what the holder says
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = read_state(path, Owner)
            who = f" ({owner})" if owner is not None else ""
            raise HomeTakenError(
                f"another service{who} runs on the home folder {folder}; use that one, end it first, or name another "
                "folder with SEGNAS_HOME"
            ) from None
        file.truncate(0)  # of a service that is dead
        try:
            yield Ownership(file)
        finally:
            with contextlib.suppress(OSError):  # a full disk
                file.truncate(0)
