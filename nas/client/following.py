"""Following a search over restarts of its service: until it is over, or change by change."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from nas.client.answers import media_type, receive, stranger
from nas.client.connection import Connection
from nas.client.errors import ClientError
from nas.client.events import Event, read_events
from nas.client.outage import Outage
from nas.client.paths import path_of
from nas.schemas.searches import SearchPublic

STREAM_SECONDS = 45.0
"""Silence after which a live stream counts as broken: three heartbeats of the service."""

STEADY_SECONDS = 5.0
"""A stream that has lasted for so long is one of a service that works."""


def wait_until_at_rest(
    connection: Connection, search_id: str, timeout: float | None, poll: float, patience: float
) -> SearchPublic:
    """Wait until a search is over or paused; `Client.wait` describes the arguments.

    Raises:
        TimeoutError: The search still runs; it continues.
    """
    begun = time.monotonic()
    outage = Outage(connection, patience)
    status = "not known to be over"
    while True:
        pause = poll
        try:
            search = connection.send("GET", path_of(search_id), patience=0.0).model(SearchPublic)
        except ClientError as error:
            pause = min(poll, outage.pause_after(error))
        else:
            outage.end()
            status = search.status
            if search.status.at_rest:
                return search
        if timeout is not None and time.monotonic() + pause > begun + timeout:
            raise TimeoutError(f"search {search_id} is still {status} after {timeout:g} s")
        time.sleep(pause)


def follow_events(connection: Connection, search_id: str, patience: float) -> Iterator[Event]:
    """Follow a search live, reconnecting a broken stream; `Client.events` describes arguments and events."""
    last: str | None = None
    outage = Outage(connection, patience)
    while True:
        lost = ClientError(f"{connection.url} ends the stream of events of {search_id} too early", temporary=True)
        try:
            for event in _stream(connection, search_id, last, outage):
                last = event.id or last
                outage.end()
                yield event
                if event.name == "end":
                    return
        except ClientError as error:
            lost = error
        time.sleep(outage.pause_after(lost))


def _stream(connection: Connection, search_id: str, last: str | None, outage: Outage) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream"}
    if last is not None and last.isascii() and last.isprintable():
        headers["Last-Event-ID"] = last
    with connection.stream(path_of(search_id, "events"), headers, STREAM_SECONDS) as reply:
        if media_type(reply) != "text/event-stream":
            raise stranger(receive(reply, connection.url))
        yield from read_events(_heard(reply.iter_bytes(), outage))


def _heard(parts: Iterable[bytes], outage: Outage) -> Iterator[bytes]:
    """Pass on what arrives. Between the events of long trials, heartbeats say that the service is there.

    A stream that ends as soon as it has begun says nothing, or it would be opened for ever.
    """
    begun = time.monotonic()
    for part in parts:
        if time.monotonic() - begun > STEADY_SECONDS:
            outage.end()
        yield part
