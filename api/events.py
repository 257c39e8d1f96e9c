"""Live events of searches: one poller of the store per watched search, whatever the number of watchers.

A watcher gets the search and its trials in their present state, then each one that changes. A watcher that draws gets
the first rows of the leaderboard and a chart of the scores instead of every trial. Every event carries the whole of
what it is about, so an event that is delivered twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from api.followers import Batch, DrawnFollower, Event, Follower, TrialFollower
from api.metrics import Metrics
from nas.settings import Settings
from nas.store import NotFoundError, Store, StoreError

log = logging.getLogger("segnas.events")

POLL_SECONDS = 0.5

QUEUE_BATCHES = 600
"""A watcher that is more polls behind is disconnected; it connects again and continues from its last event."""


@dataclass
class _Feed:
    """The watchers of a search, and the follower that reads for all of them; an empty batch disconnects a watcher."""

    follower: Follower
    queues: set[asyncio.Queue[Batch]] = field(default_factory=set)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class EventHub:
    """Sends the events of searches to watchers. It runs in the server's event loop and reads the store in threads."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        poll_seconds: float = POLL_SECONDS,
        *,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._poll_seconds = poll_seconds
        self._metrics = metrics or Metrics()
        self._metrics.count_streams_by(lambda: sum(len(feed.queues) for feed in self._feeds.values()))
        self._clock = clock
        self._feeds: dict[tuple[str, bool], _Feed] = {}

    async def close(self) -> None:
        """End all pollers."""
        tasks = [feed.task for feed in self._feeds.values() if feed.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(
        self, search_id: str, last_event_id: str | None, closing: anyio.Event, drawn: bool = False
    ) -> AsyncIterator[Event]:
        """Yield the state of a search, then its changes, then `end`.

        Args:
            search_id: The search.
            last_event_id: The id of the last event that the watcher has; the state then leaves out what the watcher
                has. None or a malformed id gives the entire state.
            closing: Set when the server ends, which ends the events early.
            drawn: Send what a page draws instead of every trial.
        """
        queue: asyncio.Queue[Batch] = asyncio.Queue()
        feed = self._join(search_id, drawn, queue)
        closer = asyncio.create_task(_disconnect_at_end(queue, feed, closing))
        try:
            await feed.started.wait()
            # Taken together: what changes from now on is in the queue.
            state, missed = feed.follower.state(last_event_id), feed.follower.missed(last_event_id)
            for event in state:
                if event.data:  # without, the server ends before the search was read
                    yield event
            while batch := await to_thread.run_sync(next, missed, ()):
                for event in batch:
                    yield event
            while batch := await queue.get():
                for event in batch:
                    yield event
                    if event.recorded_at is not None:
                        self._metrics.sent(event.recorded_at, self._clock())
                if batch[-1].name == "end":
                    return
        finally:
            feed.queues.discard(queue)
            closer.cancel()

    def _join(self, search_id: str, drawn: bool, queue: asyncio.Queue[Batch]) -> _Feed:
        key = search_id, drawn
        feed = self._feeds.get(key)
        if feed is None:
            follower: Follower
            if drawn:
                follower = DrawnFollower(search_id, self._store, self._settings)
            else:
                follower = TrialFollower(search_id, self._store, self._settings)
            feed = self._feeds[key] = _Feed(follower)
            feed.task = asyncio.create_task(self._poll(key, feed))
        feed.queues.add(queue)
        return feed

    async def _poll(self, key: tuple[str, bool], feed: _Feed) -> None:
        try:
            while feed.queues and not await self._read(feed):
                await asyncio.sleep(self._poll_seconds)
        except NotFoundError:
            log.info("the events of search %s end: it is no longer there", key[0], extra={"search": key[0]})
        except Exception:
            log.exception("the events of search %s end early", key[0], extra={"search": key[0]})
        finally:
            del self._feeds[key]
            feed.started.set()
            for queue in feed.queues:
                queue.put_nowait(())

    async def _read(self, feed: _Feed) -> bool:
        """Read the changes and deliver them; return whether the search is over."""
        try:
            batch = await to_thread.run_sync(feed.follower.read)
        except NotFoundError:
            raise
        except StoreError:  # the store is unreachable for a moment: the next poll catches up
            return False
        if not feed.started.is_set():
            batch = ()  # the watchers begin with the state, which has this
        if feed.follower.over:
            (search,) = (event for event in feed.follower.state(None) if event.name == "search")
            batch = (*batch, Event("end", search.data))
        _deliver(feed, batch)
        feed.started.set()
        return feed.follower.over


def _deliver(feed: _Feed, batch: Batch) -> None:
    for queue in list(feed.queues) if batch else ():
        if queue.qsize() > QUEUE_BATCHES:
            feed.queues.discard(queue)
            queue.put_nowait(())
        else:
            queue.put_nowait(batch)


async def _disconnect_at_end(queue: asyncio.Queue[Batch], feed: _Feed, closing: anyio.Event) -> None:
    await closing.wait()
    queue.put_nowait(())
    feed.started.set()
