"""Files and folders that appear only when complete, and are made once by any number of processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path`, the file `<name>.lock` beside `path`; wait while another process holds it.

    The kernel releases the lock when its holder dies, however it dies. The lock file is never removed: otherwise two
    processes could lock two files of the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` write a temporary file beside `path`, then rename it; a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to a temporary file, then rename it to `path`."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file, then rename it to `path`."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_atomically(path, write)


def write_folder_atomically(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill an empty temporary folder beside `folder`, then rename it to `folder`, which is new or empty.

    A failure removes the temporary folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder)
    try:
        temporary.mkdir()
        write(temporary)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_once(folder: Path, make: Callable[[Path], None]) -> bool:
    """Make `folder` unless it exists; of several processes one makes the folder and the others wait.

    A killed process leaves a temporary folder that no reader looks at; the next one to make the same folder removes it.

    Args:
        folder: Appears only when it is complete.
        make: Called with an empty temporary folder to fill.

    Returns:
        Whether this call made the folder.
    """
    if folder.exists():
        return False
    with locked(folder):
        if folder.exists():
            return False
        for left_over in folder.parent.glob(f".{folder.name}.*.part"):
            shutil.rmtree(left_over, ignore_errors=True)
        write_folder_atomically(folder, make)
    return True


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
