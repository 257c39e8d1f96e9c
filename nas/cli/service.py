"""Which service a command speaks with, and which search it means."""

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
    """The service that SEGNAS_URL names, or the one of the home folder."""
    from nas.client import Client

    return Client.from_home()


def resolve(client: Client, text: str) -> str:
    """The id that is meant. ClientError when none or several begin so."""
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
