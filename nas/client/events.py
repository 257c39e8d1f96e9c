"""Live events of a search, parsed from the service's stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from nas.schemas.searches import SearchPublic
from nas.schemas.trials import TrialPublic


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


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Parse the lines of a stream of server-sent events."""
    return map(_event, server_sent(lines))


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
