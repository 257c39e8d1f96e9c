"""Opaque cursors: where a listing stopped, by the sort key of its last row, so that new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from search_spaces.base import canonical_json

MAX_LIMIT = 1000


def encode(order: str, *key: float | str | None) -> str:
    """The cursor after the row with this sort key, in a listing of this order."""
    return base64.urlsafe_b64encode(canonical_json([order, *key]).encode()).decode().rstrip("=")


def decode(order: str, cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """The sort key in a cursor. ValueError unless it was given out for a listing of this order."""
    try:
        content = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, UnicodeError, binascii.Error):
        content = None
    if not isinstance(content, list) or content[:1] != [order] or len(content) != len(types) + 1:
        raise ValueError("cursor is not one that this listing gave out; leave it out to start at the beginning")
    key: list[Any] = content[1:]
    if not all(isinstance(part, kind) for part, kind in zip(key, types, strict=True)):
        raise ValueError("cursor is not one that this listing gave out; leave it out to start at the beginning")
    return key


def check_limit(limit: int) -> int:
    """The limit itself. ValueError outside 1 to 1000."""
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit must be between 1 and {MAX_LIMIT}, not {limit}")
    return limit
