"""Files and folders that appear whole or not at all, and are made once however many processes want them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path` (a file beside it, `<name>.lock`); waits for another process that has it.

    The kernel releases the lock when its holder dies, however it dies. The lock file stays: removing it would let
    two processes lock two files of the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` make a file beside `path`, then rename it to `path`; a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """`write_atomically` of UTF-8 text."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """`write_atomically` of bytes."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_atomically(path, write)


def make_once(folder: Path, make: Callable[[Path], None]) -> bool:
    """Make `folder` with `make` (given an empty folder to fill) unless it is there; True when it was made now.

    Of several processes one makes it and the others wait. A killed maker leaves a temporary folder that no reader
    looks at; the next maker of the same folder removes it.
    """
    if folder.exists():
        return False
    with locked(folder):
        if folder.exists():
            return False
        for left_over in folder.parent.glob(f".{folder.name}.*.part"):
            shutil.rmtree(left_over, ignore_errors=True)
        temporary = _temporary(folder)
        temporary.mkdir()
        try:
            make(temporary)
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return True


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
