"""Find the service that a command calls, and the search that an argument means."""

from __future__ import annotations

import logging
import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from nas.escaping import one_line

if TYPE_CHECKING:
    from nas.client import Client

_COMPLETED = 100
"""Newest searches that a shell completes."""


def complete_search(incomplete: str) -> list[tuple[str, str]]:
    """List the newest searches for a shell's completion: ids that begin so, with names; none without a service."""
    from nas.client import Client

    try:
        with Client.from_home(patience=0.0) as client:
            found = [search for search in islice(client.searches(), _COMPLETED) if search.id.startswith(incomplete)]
    except Exception:
        return []
    latest = [("latest", "the newest search")] if "latest".startswith(incomplete) else []
    return latest + [(search.id, f"{one_line(search.name)}, {search.status}") for search in found]


def complete_dataset(incomplete: str) -> list[str]:
    """List the registered data sets for a shell's completion."""
    from nas.settings import read_settings

    try:
        return [name for name in read_settings().registered_datasets if name.startswith(incomplete)]
    except ValueError:
        return []


SearchId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A search's id, its first characters, or `latest`.", autocompletion=complete_search
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]


Patience = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Longest wait for a service that may be restarting, by default ten minutes; 0 gives up at once.",
    ),
]


class _Told(logging.Handler):
    """Prints what the client tells, such as that it waits, on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"segnas: {one_line(record.getMessage())}", file=sys.stderr, flush=True)


_TOLD = _Told()


def connect(patience: float | None = None) -> Client:
    """Client of the service that SEGNAS_URL names, or of the service of the home folder.

    Args:
        patience: Seconds for which a service that does not answer is waited for; None takes the client's default.
    """
    from nas.client import Client

    logging.getLogger("segnas.client").addHandler(_TOLD)
    return Client.from_home() if patience is None else Client.from_home(patience=patience)


def restart_patience(given: float | None) -> float:
    """The patience that a command was given, else the client's with a service that restarts."""
    from nas.client.outage import RESTART_SECONDS

    return RESTART_SECONDS if given is None else given


def resolve(client: Client, text: str) -> str:
    """Resolve a search's argument to the full id.

    Args:
        client: The service that holds the search.
        text: A full id, its first characters, or `latest`.

    Raises:
        ClientError: No search or several searches have an id that begins with `text`.
    """
    from nas.client import ClientError

    if re.fullmatch(r"s[0-9a-f]{12}", text):
        return text
    ids = (search.id for search in client.searches())
    found = list(islice(ids, 1)) if text == "latest" else [known for known in ids if text and known.startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ClientError(f"there is no search {text!r}; `segnas searches` lists them")
    raise ClientError(f"{len(found)} searches begin with {text!r}: {', '.join(found[:5])} ...")
