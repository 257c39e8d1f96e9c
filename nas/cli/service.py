"""Find the service that a command calls, and the search that an argument means."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.client import Client

SearchId = Annotated[str, typer.Argument(metavar="ID", help="A search's id, its first characters, or `latest`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connect() -> Client:
    """Client of the service that SEGNAS_URL names, or of the service of the home folder."""
    from nas.client import Client

    return Client.from_home()


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
