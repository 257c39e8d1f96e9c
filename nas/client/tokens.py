"""Calls about tokens, for admins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nas.client.connection import Connection
from nas.client.errors import ClientError
from nas.schemas.tokens import NewTokenPublic, TokenPublic
from nas.specs.tokens import LimitsRequest, TokenRequest
from search_spaces.validation import shorten

_TOKEN_ID = re.compile(r"t[0-9a-f]{12}")
_PATH = "/v1/tokens"


class TokenCalls:
    """The calls of `Client.tokens`, which take a token of the scope admin, or the service's own.

    Args:
        connection: To the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[TokenPublic]:
        """All tokens, newest first: valid, expired and revoked ones, without their secrets."""
        return self._connection.send("GET", _PATH).models(TokenPublic)

    def create(self, request: TokenRequest | Mapping[str, Any]) -> NewTokenPublic:
        """Make a token. Its secret, `token`, is in this answer only.

        Args:
            request: What the token may do, how long and how much, or its fields, such as
                `{"name": "alice", "scope": "submit", "valid_days": 90, "device_hours": 200}`.
        """
        body = request.model_dump(mode="json", exclude_none=True) if isinstance(request, TokenRequest) else request
        return self._connection.send("POST", _PATH, json=body, changes=True).model(NewTokenPublic)

    def limit(
        self, token_id: str, *, requests_per_minute: int | None = None, device_hours: float | None = None
    ) -> TokenPublic:
        """Replace the limits of a token; a limit that is None is lifted.

        Args:
            token_id: The token's id.
            requests_per_minute: Requests that are answered in a minute.
            device_hours: What searches of its name may spend in all.
        """
        request = LimitsRequest(requests_per_minute=requests_per_minute, device_hours=device_hours)
        body = request.model_dump(mode="json")
        return self._connection.send("PATCH", _path(token_id), json=body, changes=True).model(TokenPublic)

    def revoke(self, token_id: str) -> TokenPublic:
        """Refuse a token from now on, for ever. Its searches go on."""
        return self._connection.send("DELETE", _path(token_id), changes=True).model(TokenPublic)


def _path(token_id: str) -> str:
    if not _TOKEN_ID.fullmatch(token_id):
        raise ClientError(f"there is no token {shorten(token_id)}; ids look like t0123456789ab", 404)
    return f"{_PATH}/{token_id}"
