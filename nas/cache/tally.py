"""How often cache entries were found, made anew or found broken: counts that all processes of a cache add to."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Literal, get_args

Outcome = Literal["hit", "fetched", "made", "broken"]
"""Of asking for an entry: it was there and whole, it was fetched from the storage behind the cache, it was made, or
what was there was set aside (and then fetched or made)."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

FOLDERS = ("banks", "backbones", "statistics")
"""The folders of a cache that hold entries."""

TALLY = "uses.json"
"""The file of a cache with the counts, as `{"banks hit": 3, ...}`."""

TRIES = 50
"""How often, a millisecond apart, the file's lock is tried: a count may be lost, but nothing waits for it."""


def count(path: Path, outcome: Outcome) -> None:
    """Add one to the counts of a cache; where they cannot be written, do nothing.

    Args:
        path: The entry, `<cache>/<folder>/<name>`; an entry of another folder is not counted.
        outcome: What became of asking for it.
    """
    if path.parent.name not in FOLDERS:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path.parent.parent / TALLY, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if _lock(descriptor):
                counts = _parse(os.pread(descriptor, 65536, 0))
                name = f"{path.parent.name} {outcome}"
                counts[name] = counts.get(name, 0) + 1
                os.ftruncate(descriptor, os.pwrite(descriptor, json.dumps(counts).encode(), 0))
        finally:
            os.close(descriptor)


def read_tally(cache: Path) -> dict[tuple[str, Outcome], int] | None:
    """Read the counts of a cache, by folder and outcome; None where this machine does not have the cache.

    The counts only grow, unless their file is removed or damaged: then they begin again at zero.
    """
    if not cache.is_dir():
        return None
    try:
        counts = _parse((cache / TALLY).read_bytes())
    except OSError:
        counts = {}
    return {(folder, outcome): counts.get(f"{folder} {outcome}", 0) for folder in FOLDERS for outcome in OUTCOMES}


def _lock(descriptor: int) -> bool:
    for _ in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
        else:
            return True
    return False


def _parse(content: bytes) -> dict[str, int]:
    try:
        return {str(name): int(number) for name, number in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
