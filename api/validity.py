"""Whether a token is still taken, at the beginning of a request and while its answer goes on."""

from __future__ import annotations

import time

import anyio
from anyio import to_thread

from api.callers import Caller
from nas.store import Store, StoreError, TokenRecord

LOOK_SECONDS = 5.0
"""Pause between two looks whether the token of a live stream is still taken."""


def why_invalid(token: TokenRecord, now: float) -> str | None:
    """Say why a token is refused: `was revoked` or `has expired`; None for one that is valid.

    Args:
        token: The token.
        now: Seconds since the epoch.
    """
    if token.revoked_at is not None:
        return "was revoked"
    return "has expired" if token.expires_at is not None and now >= token.expires_at else None


async def close_when_invalid(caller: Caller, store: Store, closing: anyio.Event) -> None:
    """End a live stream when the token that it was opened with is no longer taken.

    Args:
        caller: Who opened the stream.
        store: Knows the token as it is now.
        closing: Set when the stream has to end.
    """
    while caller.token is not None:
        await anyio.sleep(LOOK_SECONDS)
        try:
            token = await to_thread.run_sync(store.get_token, caller.token.id)
        except StoreError:  # not reachable for a moment: the next look sees it
            continue
        if why_invalid(token, time.time()) is not None:
            closing.set()
            return
