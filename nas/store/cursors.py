"""Opaque cursors of listings. A cursor holds the sort key of a page's last row, so new rows do not shift the pages."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from search_spaces.base import canonical_json

MAX_LIMIT = 1000


def encode(order: str, *key: float | str | None) -> str:
    """Encode the place where the next page of a listing begins.

    Args:
        order: The name of the listing's order.
        key: The sort key of the last row that was listed.

    Returns:
        The cursor, as text for a URL.
    """
    return base64.urlsafe_b64encode(canonical_json([order, *key]).encode()).decode().rstrip("=")


def decode(order: str, cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """Decode the sort key of the last row that was listed.

    Args:
        order: The name of the listing's order.
        cursor: A cursor from `encode`, as a user sends it.
        types: The type, or the possible types, of each part of the sort key.

    Returns:
        The parts of the sort key.

    Raises:
        ValueError: The cursor was not made for a listing of this order.
    """
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
    """Return the limit.

    Raises:
        ValueError: The limit is not between 1 and 1000.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit must be between 1 and {MAX_LIMIT}, not {limit}")
    return limit
