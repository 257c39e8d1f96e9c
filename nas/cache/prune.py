"""Removal of cache entries: the long unused, and the least recently used until a size is kept."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from nas.atomic import TEMPORARY
from nas.cache.inventory import Entry, entries, old_notes, owner_of
from nas.cache.use import unused


def prune(cache: Path, unused_for: float, size: int | None = None, *, dry_run: bool = False) -> Iterator[Entry]:
    """Remove entries of a cache, never one that a running process uses or makes.

    What was set aside as broken, and what killed processes have left, is removed in any case.

    Args:
        cache: The folder.
        unused_for: Entries that nobody has used for so many seconds are removed.
        size: Then the entries that were used last are kept, as many as have so many bytes together; None keeps all.
        dry_run: Only yield what would be removed.

    Yields:
        Each entry that is removed.

    Raises:
        OSError: An entry cannot be removed.
    """
    now, kept = time.time(), 0
    for entry in entries(cache):
        if entry.state == "in use":
            kept += entry.size
            continue
        waste = entry.state in ("set aside", "left over")
        if not waste and now - entry.used < unused_for and (size is None or kept + entry.size <= size):
            kept += entry.size
        elif dry_run or _remove(entry):
            yield entry
    if not dry_run:
        for notes in old_notes(cache):
            shutil.rmtree(notes, ignore_errors=True)


def _remove(entry: Entry) -> bool:
    """Remove an entry unless a process has begun to use it."""
    with unused(owner_of(entry.path)) as free:
        if not free:
            return False
        if entry.path.is_dir() and not entry.path.is_symlink():
            # Under a temporary name first: a reader finds the whole folder, or none.
            temporary = entry.path
            if not entry.path.name.endswith(TEMPORARY):
                temporary = entry.path.with_name(f".{entry.path.name}.{os.getpid()}{TEMPORARY}")
                entry.path.replace(temporary)
            shutil.rmtree(temporary)
        else:
            entry.path.unlink(missing_ok=True)
        if entry.report is not None and not entry.state and entry.report.parent == entry.path.parent:
            entry.report.unlink(missing_ok=True)
    return True
