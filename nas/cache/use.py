"""Marks of use: which cache entries running processes hold open, and when an entry was last used."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from nas.cache.sealed import MissingEntryError

PATIENCE = 10.0
"""Seconds to wait for a process that has an entry for itself."""

_marks: dict[Path, int] = {}
"""Descriptors of the entries that this process uses: their shared locks last until the process ends."""


def mark_in_use(path: Path) -> None:
    """Keep `segnas cache prune` from removing an entry until this process ends, and note that it is used now.

    The lock is on the entry itself, so nothing needs to be written; where the file system has no locks, nothing
    protects the entry.

    Args:
        path: The entry's file or folder.

    Raises:
        MissingEntryError: There is no entry.
    """
    deadline = time.monotonic() + PATIENCE
    while not _marked(path) and time.monotonic() < deadline:
        time.sleep(0.01)  # somebody looks at the entry, or is about to take its name away
    note_use(path)


def _marked(path: Path) -> bool:
    """Whether the lock has been taken, or cannot be; false while another process has the entry for itself."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingEntryError(f"there is no {path}") from None
    except OSError:  # it cannot be read: whoever verifies it will say so
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        return not isinstance(error, BlockingIOError)
    release(path)
    _marks[path] = descriptor
    return True


def release(path: Path) -> None:
    """Take this process's mark off an entry."""
    descriptor = _marks.pop(path, None)
    if descriptor is not None:
        os.close(descriptor)


def note_use(path: Path) -> None:
    """Note that an entry is used now, as the time of change of its lock file; where that cannot be, do nothing."""
    with contextlib.suppress(OSError):
        os.utime(_lock_file(path))


def last_use(path: Path) -> float:
    """Return when an entry was last used, in seconds since 1970: when it was made, if nothing else is known."""
    made = path.lstat().st_mtime
    with contextlib.suppress(OSError):
        return max(made, _lock_file(path).stat().st_mtime)
    return made


@contextlib.contextmanager
def unused(path: Path) -> Iterator[bool]:
    """Try to have an entry for oneself.

    Yields:
        Whether no process uses the entry or makes it; while the context lasts, none begins to.
    """
    with contextlib.ExitStack() as stack:
        try:
            for file in (path, _lock_file(path)):
                if file.exists():
                    descriptor = os.open(file, os.O_RDONLY)
                    stack.callback(os.close, descriptor)
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")
