"""Cache entries: read and verified, or made; a broken one is set aside; one that cannot be written stays in memory."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from nas.aids import remark_once
from nas.atomic import locked, remove_left_overs
from nas.cache.sealed import BrokenEntryError, MissingEntryError
from nas.cache.shared import SharedCache, shared_by
from nas.cache.tally import count

BROKEN = ".broken"
"""The end of the name of an entry that was set aside."""

BROKEN_BYTES = 2**30
"""How much of a folder's broken entries is kept for whoever looks for the cause; the oldest go first."""

_log = logging.getLogger(__name__)

T = TypeVar("T")

_held: dict[Path, Any] = {}
"""Entries that could not be written, by the path where they should be."""


def read_or_make(path: Path, read: Callable[[], T], make: Callable[[], T]) -> T:
    """Read a cache entry; where it is missing or broken, one of the concurrent processes makes it anew.

    Where a storage is behind the cache, the entry is fetched from there if it can be, and published there when made.

    Args:
        path: The entry's file or folder. A broken one is named in the log and renamed.
        read: Reads and verifies the entry; raises MissingEntryError or BrokenEntryError.
        make: Makes the entry; called with the entry's lock held, if there can be one. Where the entry cannot be
            written, it calls `hold`.

    Returns:
        What `read` or `make` returned, or what this process holds.
    """
    if path in _held:
        value: T = _held[path]
        return value

    def found() -> T:
        read_value = read()
        count(path, "hit")
        return read_value

    with contextlib.suppress(MissingEntryError, BrokenEntryError):
        return found()
    shared = shared_by(path)
    with _locked_if_possible(path):
        try:
            return found()
        except MissingEntryError as error:
            if os.path.lexists(path):  # something else stands there, or a part is missing
                _set_aside_here(path, f"{path} is not complete or of an earlier version ({error})")
        except BrokenEntryError as error:
            _set_aside_here(path, str(error))
        remove_left_overs(path)
        if shared is not None:
            with contextlib.suppress(MissingEntryError, BrokenEntryError):
                return _fetched(path, shared, read)
        made = make()
        count(path, "made")
    if shared is not None and path not in _held:
        shared.publish(path)
    return made


def _fetched(path: Path, shared: SharedCache, read: Callable[[], T]) -> T:
    """Fetch an entry that another node has published, and read it.

    Raises:
        MissingEntryError: None was published, or not all of it.
        BrokenEntryError: What was published is broken.
    """
    if not shared.fetch(path):
        raise MissingEntryError(f"{path} was not published")
    try:
        fetched = read()
    except (MissingEntryError, BrokenEntryError) as error:
        shared.reject(path)
        _set_aside_here(path, f"{path}, as it was published, cannot be used ({error})")
        raise
    count(path, "fetched")
    return fetched


def _set_aside_here(path: Path, reason: str) -> None:
    count(path, "broken")
    set_aside(path, reason)


def hold(path: Path, value: T) -> T:
    """Keep an entry that cannot be written for this process, so that `read_or_make` makes it once.

    Returns:
        The value.
    """
    _held[path] = value
    return value


def held(kind: type[T]) -> list[Path]:
    """Return the paths of the entries of a type that this process holds, oldest first."""
    return [path for path, value in _held.items() if isinstance(value, kind)]


def let_go(path: Path | None = None) -> None:
    """Forget an entry that this process holds; without a path, all of them."""
    if path is None:
        _held.clear()
    else:
        _held.pop(path, None)


def set_aside(path: Path, reason: str, then: str = "and made anew") -> None:
    """Rename a broken file or folder, so that it can be made anew, and say so in the log.

    Args:
        path: The entry's file or folder; the new name is `<name>.broken`.
        reason: What is wrong with it, with the path of the file.
        then: What happens next; ends the sentence.
    """
    aside = path.with_name(path.name + BROKEN)
    try:
        _remove(aside)
        path.replace(aside)
    except OSError as error:
        _log.warning("%s; it cannot be set aside (%s) and is not used", reason, error.strerror)
        return
    _log.warning("%s; it is set aside as %s %s", reason, aside.name, then)
    _bound(path.parent)


def _bound(folder: Path) -> None:
    """Remove the oldest broken entries of a folder beyond `BROKEN_BYTES`."""
    total = 0
    with contextlib.suppress(OSError):
        for entry in sorted(folder.glob(f"*{BROKEN}"), key=lambda entry: entry.lstat().st_ctime_ns, reverse=True):
            total += size_of(entry)
            if total > BROKEN_BYTES:
                _remove(entry)


def size_of(path: Path) -> int:
    """Sum the bytes of a file, or of the files below a folder; those that vanish meanwhile do not count."""
    total = 0
    for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
        with contextlib.suppress(OSError):
            total += file.lstat().st_size if not file.is_dir() else 0
    return total


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked_if_possible(path: Path) -> Iterator[None]:
    """Hold the entry's lock; go on without one where it cannot be had: what is made is then for this process alone."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path))
        except OSError as error:
            remark_once(
                "lock", error.errno, f"{path.parent} cannot be written ({error.strerror}): nothing is kept there"
            )
        yield
