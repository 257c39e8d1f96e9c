"""Progress reports of long stages."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable
from typing import TypeAlias

from nas.escaping import line_handler

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage ("files", "warm-up", "features", "training"), the units done and the units in total."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def show_remarks() -> None:
    """Print on standard error, too, what is said of files as they are read (a prefix that is taken off, say)."""
    logging.basicConfig(level=logging.WARNING, handlers=[line_handler("%(message)s")])
    logging.getLogger("nas").setLevel(logging.INFO)


class ProgressLines:
    """A `Progress` that prints lines on standard error: the first and last of a stage, one every `seconds` between."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._last.get(stage, -self._seconds) >= self._seconds:
            self._last[stage] = now
            with contextlib.suppress(OSError, ValueError):  # a closed terminal, a full disk: the work goes on unwatched
                print(f"{stage}: {done} / {total}", file=sys.stderr, flush=True)
