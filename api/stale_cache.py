"""A cache of values that take long to compute: a stale value is given while the new one is made in another thread.

Who needs the present value and no older one (a report, say) waits for it, and leaves it to the others.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import Generic, NamedTuple, TypeVar, cast

T = TypeVar("T")

log = logging.getLogger("segnas.stale_cache")

PATIENCE = 0.03
"""Seconds that a reader waits at most for a value that is being made."""

SHARE = 0.05
"""Of the time, at most so much goes into making one value again and again."""

AFTER_FAILURE = 10.0
"""Seconds until what could not be made is tried again, at least."""

KEPT = 200
"""Values that are kept; the one that was read longest ago goes first."""


class Found(NamedTuple, Generic[T]):
    """The last value, None before the first; and whether it is that of the present state."""

    value: T | None
    present: bool


_NONE = object()
"""The state of a value that was never made."""


@dataclass
class _Entry(Generic[T]):
    state: Hashable = _NONE
    value: T | None = None
    making: Future[None] | None = None
    again_at: float = 0.0

    def found(self, state: Hashable) -> Found[T]:
        return Found(self.value, self.state == state)


class StaleCache(Generic[T]):
    """Keeps the last value of each key, and makes it anew when the state that it was made from has changed.

    One thread makes all values. What could not be made is logged, and tried again when it is asked for later.

    Args:
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stale-cache")

    def get(self, key: Hashable, state: Hashable, make: Callable[[], T]) -> Found[T]:
        """Return the value of a key, waiting a moment for it if it has to be made.

        Args:
            key: Names the value.
            state: What the value depends on; another state than before makes the value anew.
            make: Makes it, in another thread.
        """
        with self._lock:
            entry = self._entry(key)
            if entry.state == state:
                return entry.found(state)
            if entry.making is None and self._clock() >= entry.again_at:
                entry.making = self._thread.submit(self._make, entry, state, make)
            making = entry.making
        if making is not None:
            wait([making], PATIENCE)
        with self._lock:
            return entry.found(state)

    def present(self, key: Hashable, state: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key for the present state, however long it takes to make it.

        It is made in the thread that asks, unless it is being made already.

        Args:
            key: Names the value, as in `get`.
            state: What the value depends on.
            make: Makes it; what it raises is raised here.
        """
        with self._lock:
            entry = self._entry(key)
            making = entry.making if entry.state != state else None
        if making is not None:
            wait([making])
        with self._lock:
            if entry.state == state:
                return cast("T", entry.value)
        value = make()
        with self._lock:
            entry.state, entry.value = state, value
        return value

    def _entry(self, key: Hashable) -> _Entry[T]:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        return entry

    def close(self) -> None:
        """Drop what waits to be made, and wait for what is being made."""
        self._thread.shutdown(cancel_futures=True)

    def _make(self, entry: _Entry[T], state: Hashable, make: Callable[[], T]) -> None:
        begun, pause = self._clock(), 0.0
        try:
            value = make()
        except Exception:
            log.exception("a value could not be made")
            pause = AFTER_FAILURE
        with self._lock:
            ended = self._clock()
            entry.making, entry.again_at = None, ended + max(pause, (ended - begun) / SHARE)
            if not pause:
                entry.state, entry.value = state, value
