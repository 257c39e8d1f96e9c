"""Live events of a search: one poller of the store per watched search, whatever the number of watchers.

A watcher gets the search and its trials in their present state, then each one that changes. Every event carries the
complete search or trial, so an event that is delivered twice, or missed and delivered later, does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from api.answers.searches import search_public
from api.answers.trials import trial_public
from nas.settings import Settings
from nas.store import NotFoundError, SearchRecord, Store, StoreError, TrialRecord

log = logging.getLogger("segnas.events")

POLL_SECONDS = 0.5
OVERLAP_SECONDS = 30.0
"""How far back each poll reads again: writers' clocks differ, and a transaction is visible after its time stamp."""

QUEUE_BATCHES = 600
"""A watcher that is more polls behind is disconnected; it connects again and gets the state of that time."""


@dataclass(frozen=True)
class Event:
    """One server-sent event: `name` is search, trial or end; `data` is JSON."""

    name: str
    data: str
    id: str | None = None


Batch = tuple[Event, ...]
"""Events of one poll; an empty batch disconnects a watcher."""


@dataclass
class _Feed:
    """What the watchers of a search have been sent, and their queues."""

    since: float
    search: str = ""
    seen: dict[int, tuple[float, str]] = field(default_factory=dict)
    queues: set[asyncio.Queue[Batch]] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


class EventHub:
    """Sends the events of searches to watchers. It runs in the server's event loop and reads the store in threads."""

    def __init__(self, store: Store, settings: Settings, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._settings = settings
        self._poll_seconds = poll_seconds
        self._feeds: dict[str, _Feed] = {}

    async def close(self) -> None:
        """End all pollers."""
        tasks = [feed.task for feed in self._feeds.values() if feed.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(self, search_id: str, last_event_id: str | None, closing: anyio.Event) -> AsyncIterator[Event]:
        """Yield the state of a search, then its changes, then `end`.

        Args:
            search_id: The search.
            last_event_id: The id of the last event that the watcher has; the state then has only the trials that
                changed since. None or a malformed id gives all trials.
            closing: Set when the server ends, which ends the events early.
        """
        queue: asyncio.Queue[Batch] = asyncio.Queue()
        feed = self._join(search_id, queue)
        closer = asyncio.create_task(_disconnect_at_end(queue, closing))
        try:
            state = await to_thread.run_sync(self._state, search_id, _since(last_event_id))
            for event in state:
                yield event
            ended = state[-1].name == "end"
            while not ended:
                batch = await queue.get()
                for event in batch:
                    yield event
                ended = not batch or batch[-1].name == "end"
        finally:
            feed.queues.discard(queue)
            closer.cancel()

    def _join(self, search_id: str, queue: asyncio.Queue[Batch]) -> _Feed:
        feed = self._feeds.get(search_id)
        if feed is None:
            feed = self._feeds[search_id] = _Feed(since=time.time() - OVERLAP_SECONDS)
            feed.task = asyncio.create_task(self._poll(search_id, feed))
        feed.queues.add(queue)
        return feed

    async def _poll(self, search_id: str, feed: _Feed) -> None:
        try:
            while feed.queues:
                await asyncio.sleep(self._poll_seconds)
                try:
                    batch = await to_thread.run_sync(self._changes, search_id, feed)
                except NotFoundError:
                    raise
                except StoreError:  # the store is unreachable for a moment: the next poll catches up
                    continue
                if batch:
                    _deliver(feed, batch)
                    if batch[-1].name == "end":
                        break
        except NotFoundError:
            log.info("search %s was deleted; its events end", search_id)
        except Exception:
            log.exception("the events of search %s end early", search_id)
        finally:
            del self._feeds[search_id]
            for queue in feed.queues:
                queue.put_nowait(())

    def _state(self, search_id: str, since: float) -> Batch:
        """Read the search, its trials that changed since a time and, where the search is over, the end."""
        record = self._store.get_search(search_id)
        search = Event("search", self._search(record))
        trials = [_trial_event(trial) for trial in self._store.changed_trials(search_id, since)]
        return (search, *trials, *_end(record.status.terminal, search))

    def _changes(self, search_id: str, feed: _Feed) -> Batch:
        """Read the changes since the last poll; the status first, since trials of an ended search never change."""
        record = self._store.get_search(search_id)
        trials = self._store.changed_trials(search_id, feed.since)
        search = self._search(record)
        events = [event for trial in trials if (event := _new_event(feed, trial)) is not None]
        newest = max((trial.updated_at for trial in trials), default=feed.since)
        feed.since = max(feed.since, newest - OVERLAP_SECONDS)
        feed.seen = {number: seen for number, seen in feed.seen.items() if seen[0] >= feed.since}
        if search != feed.search:
            feed.search = search
            events.append(Event("search", search))
        return (*events, *_end(record.status.terminal, Event("search", search)))

    def _search(self, record: SearchRecord) -> str:
        return search_public(record, self._store.overview(record.id), self._settings).model_dump_json()


def _new_event(feed: _Feed, trial: TrialRecord) -> Event | None:
    event = _trial_event(trial)
    if feed.seen.get(trial.number) == (trial.updated_at, event.data):
        return None
    feed.seen[trial.number] = (trial.updated_at, event.data)
    return event


def _trial_event(trial: TrialRecord) -> Event:
    return Event("trial", trial_public(trial).model_dump_json(), f"{trial.updated_at:.6f}")


def _end(over: bool, search: Event) -> Batch:
    return (Event("end", search.data),) if over else ()


def _deliver(feed: _Feed, batch: Batch) -> None:
    for queue in list(feed.queues):
        if queue.qsize() > QUEUE_BATCHES:
            feed.queues.discard(queue)
            queue.put_nowait(())
        else:
            queue.put_nowait(batch)


async def _disconnect_at_end(queue: asyncio.Queue[Batch], closing: anyio.Event) -> None:
    await closing.wait()
    queue.put_nowait(())


def _since(last_event_id: str | None) -> float:
    try:
        return max(0.0, float(last_event_id or 0.0) - OVERLAP_SECONDS)
    except ValueError:
        return 0.0
