"""Calls about tokens, for admins."""

from __future__ import annotations

import re

from nas.client.connection import Connection
from nas.client.errors import ClientError
from nas.schemas.tokens import NewTokenPublic, TokenPublic
from nas.specs.tokens import LimitsRequest, Scope, TokenRequest
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

    def create(
        self,
        name: str,
        scope: Scope | str,
        *,
        valid_days: int | None = None,
        requests_per_minute: int | None = None,
        device_hours: float | None = None,
    ) -> NewTokenPublic:
        """Make a token. Its secret, `token`, is in this answer only.

        Args:
            name: Who or what will use it: the owner of the searches that it starts.
            scope: read, submit or admin.
            valid_days: Days after which it expires; None never.
            requests_per_minute: Requests that are answered in a minute; None does not limit them.
            device_hours: What searches of this name may spend in all; None does not limit them.

        Raises:
            ValueError: A value is not of this form.
        """
        limits = {"requests_per_minute": requests_per_minute, "device_hours": device_hours}
        fields = {"name": name, "scope": scope, "valid_days": valid_days, **limits}
        request = TokenRequest.model_validate({name: value for name, value in fields.items() if value is not None})
        body = request.model_dump(mode="json", exclude_none=True)
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
