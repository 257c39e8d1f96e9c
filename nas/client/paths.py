"""Paths of what is below a search."""

from __future__ import annotations

import re

from nas.client.errors import ClientError
from search_spaces.validation import shorten

_SEARCH_ID = re.compile(r"s[0-9a-f]{12}")


def path_of(search_id: str, *below: str | int) -> str:
    """Return the path of a search, or of what is below it.

    Raises:
        ClientError: The id is no search's.
    """
    parts = [part if isinstance(part, str) else f"{part:d}" for part in below]
    return "/".join(["/v1/searches", checked_id(search_id), *parts])


def checked_id(search_id: str) -> str:
    """Refuse what is no search's id before it becomes a part of a URL, where `/`, `?` and `#` mean something.

    Raises:
        ClientError: The id is no search's.
    """
    if not _SEARCH_ID.fullmatch(search_id):
        raise ClientError(f"there is no search {shorten(search_id)}; ids look like s0123456789ab", 404)
    return search_id
