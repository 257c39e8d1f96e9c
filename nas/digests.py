"""Content hashes of many files, each of which is read again only when the file system says that it has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from nas.atomic import write_text_atomically
from search_spaces.base import content_key

READERS = 4

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


def file_digests(paths: Sequence[Path], store: Path | None = None) -> list[str]:
    """Return the SHA-256 of the content of each file, in hex.

    Args:
        paths: The files.
        store: A JSON file that remembers hashes for other processes; it is read, and where hashes are new they join
            those of other files that are still there. A store that is broken or cannot be written costs time only.

    Raises:
        OSError: A file cannot be read; its `filename` is the file's.
    """
    stored = _read(store)
    remembered = stored | _in_this_process
    now = time.time_ns()
    states = [_state(path) for path in paths]
    unknown = {
        str(path): state
        for path, state in zip(paths, states, strict=True)
        if remembered.get(str(path), (None, ""))[0] != state
    }
    with ThreadPoolExecutor(READERS, thread_name_prefix="digests") as pool:
        hashed = dict(zip(unknown, pool.map(_hash, unknown), strict=True))
    digests = [hashed.get(str(path)) or remembered[str(path)][1] for path in paths]
    settled: Remembered = {
        str(path): (state, digest)
        for path, state, digest in zip(paths, states, digests, strict=True)
        if now - max(state.modified, state.changed) > SETTLED
    }
    _in_this_process.update(settled)
    if store is not None and not unknown.keys().isdisjoint(settled):
        others = {path: known for path, known in stored.items() if path not in settled and Path(path).exists()}
        _write(store, others | settled)
    return digests


def _state(path: Path) -> _State:
    found = path.stat()
    return _State(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


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
