"""Cache entries that are one small JSON object each: statistics, counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nas.aids import aid
from nas.atomic import write_text_atomically
from nas.cache.entries import hold, read_or_make
from nas.cache.sealed import CHECKSUM, read_sealed, sealed
from nas.cache.use import note_use


def made_once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Read a JSON object, verified; where it is missing or broken, one of the concurrent processes makes and writes it.

    Args:
        path: The file.
        make: Computes the object, of plain finite values. Where it cannot be written, this process remembers it.

    Returns:
        The object as it was made.
    """

    def read() -> dict[str, Any]:
        stored = read_sealed(path)
        note_use(path)
        return stored

    def make_and_write() -> dict[str, Any]:
        text = sealed(make())
        made: dict[str, Any] = json.loads(text)  # as whoever reads the file gets it
        del made[CHECKSUM]
        with aid("cache entry", path, "this process remembers what is in it"):
            write_text_atomically(path, text)
            return made
        return hold(path, made)

    return read_or_make(path, read, make_and_write)
