"""Followers of a search: they read what has changed since they last looked, for live events.

Changes of trials are followed by the numbers that the store gives them, not by clocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from zlib import crc32

from api.answers.searches import search_public
from api.answers.trials import trial_public
from api.picture import leaderboard, scores
from nas.kinds.registry import kind_of
from nas.kinds.summaries import Summary, summary
from nas.settings import Settings
from nas.store import Change, SearchRecord, Store

PAGE = 500
"""Trials that are read at a time."""

CHART_SHARE = 0.05
"""Of the time, at most so much goes into reading the chart of a search, which takes longer the more trials it has."""


@dataclass(frozen=True)
class Event:
    """One server-sent event: `name` is search, trial, leaderboard, scores or end; `data` is JSON.

    `recorded_at` is when the change of a trial that it tells was recorded (of several, the oldest one's), in seconds
    since the epoch; None where it tells none, or where it tells how things are.
    """

    name: str
    data: str
    id: str | None = None
    recorded_at: float | None = field(default=None, compare=False)


Batch = tuple[Event, ...]


class Follower(Protocol):
    """Reads one search; its methods may block."""

    @property
    def over(self) -> bool:
        """Whether the search was over when it was last read."""
        ...

    def read(self) -> Batch:
        """Read the changes since the last call; the first call gives no trials."""
        ...

    def state(self, last_event_id: str | None) -> Batch:
        """Return the events about the whole search as they are now, without reading anything.

        Args:
            last_event_id: The id of the last event that a watcher has; what it has too is left out. None or an id of
                another kind: it has nothing.
        """
        ...

    def missed(self, last_event_id: str | None) -> Iterator[Batch]:
        """Read the trials that a watcher lacks, in bounded pieces; the arguments are those of `state`."""
        ...


class _Search:
    """The event `search`: the search with its counts, its best trial and its cost."""

    def __init__(self, search_id: str, store: Store, settings: Settings) -> None:
        self._id = search_id
        self._store = store
        self._settings = settings
        self._last: tuple[SearchRecord, int] | None = None
        self.event = Event("search", "")
        self.summary: Summary | None = None
        self.over = False

    def read(self, sequence: int, record: SearchRecord) -> bool:
        """Read the search unless nothing has changed; return whether the event is another one now.

        Args:
            sequence: Number of the last change of its trials.
            record: Its row, read before `sequence`.
        """
        runs = kind_of(record.spec).runs(record.spec) is not None  # snapshots change the cost, and no trial
        if (record, sequence) == self._last and not runs:
            return False
        self._last, self.over = (record, sequence), record.status.terminal
        self.summary = summary(record, self._store)
        before, self.event = self.event, Event("search", self._data(record, self.summary))
        return before != self.event

    def _data(self, record: SearchRecord, found: Summary) -> str:
        return search_public(record, found, self._settings).model_dump_json()


class TrialFollower:
    """Follows the search and every one of its trials: an event `trial` has the number of the change as its id."""

    def __init__(self, search_id: str, store: Store, settings: Settings) -> None:
        self._id = search_id
        self._store = store
        self._search = _Search(search_id, store, settings)
        self._sequence: int | None = None

    @property
    def over(self) -> bool:
        return self._search.over

    def read(self) -> Batch:
        record = self._store.get_search(self._id)  # first: trials of an ended search never change
        last = self._store.last_change(self._id)
        events: list[Event] = []
        if self._sequence is None:
            self._sequence = last
        for changes in self._pages(self._sequence, last):
            events += (replace(_trial_event(change), recorded_at=change.trial.updated_at) for change in changes)
            self._sequence = changes[-1].sequence
        if self._search.read(self._sequence, record):
            events.append(self._search.event)
        return tuple(events)

    def state(self, last_event_id: str | None) -> Batch:  # noqa: ARG002  the search is always sent
        return (self._search.event,)

    def missed(self, last_event_id: str | None) -> Iterator[Batch]:
        known = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else 0
        return self._between(known, self._sequence or 0)  # later changes come with those that are followed

    def _between(self, after: int, until: int) -> Iterator[Batch]:
        for changes in self._pages(after, until):
            yield tuple(_trial_event(change) for change in changes if change.sequence <= until)

    def _pages(self, after: int, until: int) -> Iterator[list[Change]]:
        while after < until:
            changes = self._store.changed_trials(self._id, after, PAGE)
            if not changes:
                return
            yield changes
            after = changes[-1].sequence


class DrawnFollower:
    """Follows what a page draws: the search, the first rows of its leaderboard, a chart of its scores.

    The id of an event is a checksum of the last two, by which a watcher that comes back is not sent them again.
    """

    def __init__(
        self, search_id: str, store: Store, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._id = search_id
        self._store = store
        self._search = _Search(search_id, store, settings)
        self._clock = clock
        self._parts: dict[str, Event] = {}
        self._of: dict[str, int] = {}  # the number of the last change that a part has
        self._chart_after = 0.0

    @property
    def over(self) -> bool:
        return self._search.over

    def read(self) -> Batch:
        record = self._store.get_search(self._id)  # first: trials of an ended search never change
        last = self._store.last_change(self._id)
        before = self._parts
        if self._search.read(last, record):
            self._parts = {**self._parts, "search": self._search.event}
        found = self._search.summary
        assert found is not None, "the search was read"
        if (drawn := self._of.get("leaderboard")) != last:
            since = None if drawn is None else self._store.recorded_since(self._id, drawn)
            self._put("leaderboard", leaderboard(self._store, self._id, found.overview).model_dump_json(), last, since)
        if self._of.get("scores") != last and (self.over or self._clock() >= self._chart_after):
            begun = self._clock()
            self._put("scores", scores(self._store, record, found).model_dump_json(), last)
            self._chart_after = self._clock() + (self._clock() - begun) / CHART_SHARE
        return _marked([event for name, event in self._parts.items() if before.get(name) != event], self._parts)

    def state(self, last_event_id: str | None) -> Batch:
        parts = self._parts
        has_all = last_event_id == _checksum(parts)
        return _marked([event for name, event in parts.items() if name == "search" or not has_all], parts)

    def missed(self, last_event_id: str | None) -> Iterator[Batch]:  # noqa: ARG002  no trials are sent
        return iter(())

    def _put(self, name: str, data: str, sequence: int, recorded_at: float | None = None) -> None:
        self._of[name] = sequence
        self._parts = {**self._parts, name: Event(name, data, recorded_at=recorded_at)}


def _marked(events: list[Event], parts: Mapping[str, Event]) -> Batch:
    """Give the last of the events the id by which a watcher that has received all of them is known."""
    return (*events[:-1], replace(events[-1], id=_checksum(parts))) if events else ()


def _checksum(parts: Mapping[str, Event]) -> str:
    return f"{crc32(''.join(event.data for name, event in parts.items() if name != 'search').encode()):08x}"


def _trial_event(change: Change) -> Event:
    return Event("trial", trial_public(change.trial).model_dump_json(), str(change.sequence))
