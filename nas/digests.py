"""Content hashes of many files, each of which is read again only when the file system says that it has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from nas.atomic import write_text_atomically
from nas.readers import READERS
from search_spaces.base import content_key

SETTLED = 2 * 10**9
"""Nanoseconds since its last change after which a file's hash is remembered: a file that changes twice within one tick
of the file system's clock would otherwise keep the hash of its first content."""


class _State(NamedTuple):
    """What the file system says about a file; `changed` (ctime) moves with every write, however `modified` is set."""

    size: int
    modified: int
    changed: int
    inode: int


Remembered = dict[str, tuple[_State, str]]

_in_this_process: Remembered = {}


Read = Callable[[int, int], None]
"""Called with the files that have been read and those to be read in all."""


def file_digests(paths: Sequence[Path], store: Path | None = None, read: Read | None = None) -> list[str]:
    """Return the SHA-256 of the content of each file, in hex.

    Args:
        paths: The files.
        store: A JSON file that remembers hashes for other processes; it is read, and where hashes are new they join
            those of other files that are still there. A store that is broken or cannot be written costs time only.
        read: Called after each file that had to be read.

    Raises:
        OSError: A file cannot be read; its `filename` is the file's.
    """
    names = [str(path) for path in paths]
    states = {name: _state(name) for name in names}
    if not _unknown(states, _in_this_process):
        return [_in_this_process[name][1] for name in names]
    stored = _read(store)
    remembered = stored | _in_this_process
    unknown, now = _unknown(states, remembered), time.time_ns()
    hashed: dict[str, str] = {}
    with ThreadPoolExecutor(READERS, thread_name_prefix="digests") as pool:
        for name, content in zip(unknown, pool.map(_hash, unknown), strict=True):
            hashed[name] = content
            if read is not None:
                read(len(hashed), len(unknown))
    digests = {name: hashed.get(name) or remembered[name][1] for name in states}
    settled: Remembered = {
        name: (state, digests[name])
        for name, state in states.items()
        if now - max(state.modified, state.changed) > SETTLED
    }
    _in_this_process.update(settled)
    if store is not None and not settled.keys().isdisjoint(unknown):
        others = {name: known for name, known in stored.items() if name not in settled and Path(name).exists()}
        _write(store, others | settled)
    return [digests[name] for name in names]


def _state(name: str) -> _State:
    found = os.stat(name)  # noqa: PTH116  of a data set's tens of thousands of files, at the start of each trial
    return _State(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _unknown(states: Mapping[str, _State], remembered: Remembered) -> list[str]:
    """The files whose hash is not remembered in the state that they are in."""
    nothing = (None, "")
    return [name for name, state in states.items() if remembered.get(name, nothing)[0] != state]


def _hash(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error  # a disk that fails while reading names no file


def _read(store: Path | None) -> Remembered:
    if store is None:
        return {}
    try:
        stored = json.loads(store.read_bytes())
        if content_key(stored["files"]) != stored["checksum"]:  # one wrong digit would be a wrong key for ever
            return {}
        return {path: (_State(*state), str(digest)) for path, (state, digest) in stored["files"].items()}
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return {}


def _write(store: Path, remembered: Remembered) -> None:
    with contextlib.suppress(OSError):
        write_text_atomically(store, json.dumps({"files": remembered, "checksum": content_key(remembered)}))
