"""Tokens of the service: made, found by their secret, limited and revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, select, update

from nas.specs.tokens import LimitsRequest, Scope, TokenRequest
from nas.store.engine import in_parts
from nas.store.errors import ConflictError, NotFoundError
from nas.store.places import next_place
from nas.store.spending import Spending, spent_seconds
from nas.store.tables import TokenRow

DAY = 86_400.0
HOUR = 3600.0

PREFIX = "segnas_"
"""How every secret begins, so that it is known for what it is where it has been published by mistake."""

_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True)
class TokenRecord:
    """A token, without its secret.

    Attributes:
        name: Who uses it: the owner of the searches that it starts.
        expires_at: From this time on it is refused; None never expires.
        used_at: About when it was last used.
        requests_per_minute: How many requests are answered in a minute; None does not limit them.
        device_hours: What the searches of its name may spend in all; None does not limit them.
    """

    id: str
    name: str
    scope: Scope
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None
    requests_per_minute: int | None
    device_hours: float | None


@dataclass(frozen=True)
class Budget:
    """What an owner may spend, and has spent, both in device-hours."""

    owner: str
    hours: float
    spent: float

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return self.spent >= self.hours


_COLUMNS = tuple(getattr(TokenRow, field.name) for field in fields(TokenRecord))


class Tokens(Spending):
    """Rows of `tokens`.

    A secret is 256 random bits, and only its SHA-256 is stored. A slow, salted hash protects passwords, which can be
    guessed; nobody guesses 256 bits, and a hash that is quick to compute can be looked up with every request.
    """

    def create_token(self, request: TokenRequest) -> tuple[TokenRecord, str]:
        """Make a token.

        Returns:
            The token, and its secret, which nobody can read later.

        Raises:
            ConflictError: A token of this name is not revoked.
        """
        secret, now = PREFIX + secrets.token_urlsafe(32), self._clock()
        values = {
            "id": "t" + secrets.token_hex(6),
            "name": request.name,
            "hash": _hash(secret),
            "scope": request.scope,
            "created_at": now,
            "expires_at": None if request.valid_days is None else now + request.valid_days * DAY,
            "requests_per_minute": request.requests_per_minute,
            "device_hours": request.device_hours,
            "place": next_place(TokenRow),
        }
        statement = self._insert(TokenRow).values(values).on_conflict_do_nothing().returning(*_COLUMNS)
        with self._write() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise ConflictError(f"there is a token {request.name!r} already: revoke it first, or choose another name")
        return TokenRecord(*row), secret

    def find_token(self, secret: str) -> TokenRecord | None:
        """Find the token of a secret, valid or not; None where there is none."""
        if not _SECRET.fullmatch(secret):  # nothing that a stranger makes up need reach the database
            return None
        with self._read() as connection:
            row = connection.execute(select(*_COLUMNS).where(TokenRow.hash == _hash(secret))).one_or_none()
        return None if row is None else TokenRecord(*row)

    def get_token(self, token_id: str) -> TokenRecord:
        """Read a token by its id.

        Raises:
            NotFoundError: There is no such token.
        """
        with self._read() as connection:
            row = connection.execute(select(*_COLUMNS).where(TokenRow.id == token_id)).one_or_none()
        return _require(row, token_id)

    def tokens(self) -> list[TokenRecord]:
        """Read all tokens, also those that are revoked or have expired, newest first."""
        statement = select(*_COLUMNS).order_by(TokenRow.place.desc(), TokenRow.id)
        with self._read() as connection:
            return [TokenRecord(*row) for row in connection.execute(statement)]

    def limit_token(self, token_id: str, limits: LimitsRequest) -> TokenRecord:
        """Replace the limits of a token.

        Raises:
            NotFoundError: There is no such token.
        """
        values = {"requests_per_minute": limits.requests_per_minute, "device_hours": limits.device_hours}
        return self._change(token_id, values)

    def revoke_token(self, token_id: str) -> TokenRecord:
        """Refuse a token from now on; one that is revoked already stays as it is.

        Raises:
            NotFoundError: There is no such token.
        """
        return self._change(token_id, {"revoked_at": func.coalesce(TokenRow.revoked_at, self._clock())})

    def token_used(self, token_id: str) -> None:
        """Note that a token was used now."""
        with self._write() as connection:
            connection.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=self._clock()))

    def budgets(self, owners: Collection[str]) -> dict[str, Budget]:
        """Read what owners may spend and have spent; one whose newest token has no budget is left out."""
        latest = func.max(TokenRow.place).label("place")
        newest = select(TokenRow.name, latest).group_by(TokenRow.name).subquery()
        hours: dict[str, float] = {}
        with self._read() as connection:
            for names in in_parts(owners):
                statement = (
                    select(TokenRow.name, TokenRow.device_hours)
                    .join(newest, (TokenRow.name == newest.c.name) & (TokenRow.place == newest.c.place))
                    .where(TokenRow.name.in_(names))
                )
                hours |= {name: limit for name, limit in connection.execute(statement) if limit is not None}
            spent = spent_seconds(connection, hours)
        return {owner: Budget(owner, limit, spent[owner] / HOUR) for owner, limit in hours.items()}

    def _change(self, token_id: str, values: dict[str, Any]) -> TokenRecord:
        statement = update(TokenRow).where(TokenRow.id == token_id).values(values).returning(*_COLUMNS)
        with self._write() as connection:
            row = connection.execute(statement).one_or_none()
        return _require(row, token_id)


def _require(row: Any, token_id: str) -> TokenRecord:
    if row is None:
        raise NotFoundError(f"there is no token {token_id!r}")
    return TokenRecord(*row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
