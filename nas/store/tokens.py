"""API tokens, by the digest of their secret: the secret itself is never stored."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update

from nas.store.engine import Database
from nas.store.errors import ConflictError, NotFoundError
from nas.store.records import TokenRecord
from nas.store.tables import TokenRow


class Tokens(Database):
    """Rows of `tokens`."""

    def add_token(self, name: str, digest: str, scopes: Iterable[str]) -> TokenRecord:
        """A new token, `digest` the sha256 (hex) of its secret. ConflictError when name or digest is taken."""
        record = TokenRecord(name, digest, tuple(scopes), self._clock(), None)
        content = {
            "name": name,
            "digest": digest,
            "scopes": list(record.scopes),
            "created_at": record.created_at,
        }
        insert = self._insert(TokenRow).on_conflict_do_nothing().returning(TokenRow.name)
        with self._write() as connection:
            if connection.execute(insert, content).one_or_none() is None:
                raise ConflictError(f"there is a token {name!r} already, or one with this secret")
        return record

    def find_token(self, digest: str) -> TokenRecord | None:
        """The token whose secret has this digest, unless it is unknown or revoked."""
        statement = select(TokenRow.__table__).where(TokenRow.digest == digest, TokenRow.revoked_at.is_(None))
        with self._read() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        return TokenRecord(row["name"], row["digest"], tuple(row["scopes"]), row["created_at"], row["revoked_at"])

    def revoke_token(self, name: str) -> None:
        """From now on the token is refused; again is no error. NotFoundError."""
        statement = select(TokenRow.revoked_at).where(TokenRow.name == name)
        with self._write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise NotFoundError(f"there is no token {name!r}")
            live = update(TokenRow).where(TokenRow.name == name, TokenRow.revoked_at.is_(None))
            connection.execute(live.values(revoked_at=self._clock()))
