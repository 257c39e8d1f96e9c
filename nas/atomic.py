"""Files and folders that appear only when complete, also after a power cut; locks between processes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_NOT_OFFERED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""Errors of file systems that cannot be asked to write to the disk at once."""

TEMPORARY = ".part"
"""The end of temporary names."""

SYNCING = 8
"""Files of a folder that are written to the disk at a time: the file system's journal takes them together."""


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
    """Let `write` write a temporary file beside `path`, then rename it; a reader sees the old file or the new one.

    The content is on the disk before it has its name, and the name is when this returns: after a power cut, too, there
    is the old file or the new one.

    Raises:
        OSError: The file cannot be written: the disk is full, for instance. The old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        write(temporary)
        _sync([temporary])
        temporary.replace(path)
        _sync([path.parent])
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to a temporary file, then rename it to `path`."""
    write_bytes_atomically(path, text.encode())


def write_secret_atomically(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to a temporary file that only its owner can read or write, then rename it to `path`."""

    def write(temporary: Path) -> None:
        temporary.touch(mode=0o600)
        temporary.write_text(text, "utf-8")

    write_atomically(path, write)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file, then rename it to `path`."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_atomically(path, write)


def write_folder_atomically(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill an empty temporary folder beside `folder`, then rename it to `folder`, which is new or empty.

    A failure removes the temporary folder. As with `write_atomically`, all files are on the disk before the rename.

    Raises:
        OSError: A file cannot be written, or `folder` is not empty.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder)
    try:
        temporary.mkdir()
        write(temporary)
        _sync([*temporary.rglob("*"), temporary])
        temporary.replace(folder)
        _sync([folder.parent])
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_left_overs(path: Path) -> None:
    """Remove what killed processes have left of `path` under temporary names, which no reader looks at.

    To be called by the holder of `path`'s lock, so that nobody is writing.
    """
    for left_over in path.parent.glob(f".{path.name}.*{TEMPORARY}"):
        if left_over.is_dir():
            shutil.rmtree(left_over, ignore_errors=True)
        else:
            left_over.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")


def _sync(paths: Iterable[Path]) -> None:
    """Wait until files and folders are on the disk, as far as their file system knows how."""

    def sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
        finally:
            os.close(descriptor)

    asked = list(paths)
    if len(asked) == 1:
        sync(asked[0])
        return
    with ThreadPoolExecutor(SYNCING, thread_name_prefix="sync") as pool:
        list(pool.map(sync, asked))
