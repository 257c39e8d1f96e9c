"""Live events of a search, parsed from the service's stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from nas.client.errors import ClientError
from nas.schemas.searches import SearchPublic
from nas.schemas.trials import TrialPublic

MOST_BYTES = 16 << 20
"""The longest event that is read."""


@dataclass(frozen=True)
class Event:
    """One live event of a search.

    Attributes:
        name: `search`: the search changed; `trial`: a trial changed; `end`: the search is over, and so is the stream.
        search: The search's new state, with `search` and `end`.
        trial: The trial's new state, with `trial`.
        id: Of the event, from which a broken stream continues.
    """

    name: Literal["search", "trial", "end"]
    search: SearchPublic | None = None
    trial: TrialPublic | None = None
    id: str | None = None


def read_events(parts: Iterable[bytes]) -> Iterator[Event]:
    """Parse a stream of server-sent events from the parts in which it arrives.

    Raises:
        ClientError: An event is none of a Segnas service, or longer than `MOST_BYTES`.
    """
    try:
        yield from map(_event, server_sent(read_lines(parts)))
    except (ValidationError, KeyError):
        raise ClientError("the stream of events is none of a Segnas service of this version") from None


def read_lines(parts: Iterable[bytes], most: int = MOST_BYTES) -> Iterator[str]:
    """Split what arrives into lines at each line feed, as the service ends its lines, and nowhere else.

    Unicode has further line breaks, which are ordinary characters in JSON.

    Raises:
        ClientError: More than `most` bytes come without an empty line, which ends an event.
    """
    rest, size = b"", 0
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            size = size + len(line) if line.strip(b"\r") else 0
            yield line.decode("utf-8", "replace").removesuffix("\r")
        if size + len(rest) > most:
            raise ClientError(f"an event of the stream is longer than {most >> 20} MiB, so the rest is not read")


def server_sent(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Parse server-sent events into their fields (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value


def _event(fields: Mapping[str, str]) -> Event:
    name, identity = fields.get("event"), fields.get("id")
    if name == "trial":
        return Event("trial", trial=TrialPublic.model_validate_json(fields["data"]), id=identity)
    search = SearchPublic.model_validate_json(fields["data"])
    return Event("end" if name == "end" else "search", search=search, id=identity)
