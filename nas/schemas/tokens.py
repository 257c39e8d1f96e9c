"""Answers about tokens, and about what the token that is shown may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from nas.schemas.base import PublicModel
from nas.specs.tokens import Scope


class TokenStatus(StrEnum):
    """Whether a token is taken."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TokenPublic(PublicModel):
    """A token, without its secret."""

    id: str
    name: str = Field(description="Owner of the searches that it starts.")
    scope: Scope
    status: TokenStatus
    created_at: datetime
    expires_at: datetime | None = Field(description="From then on it is refused; null never.")
    revoked_at: datetime | None
    used_at: datetime | None = Field(description="Last use, to ten minutes; null before the first one.")
    requests_per_minute: int | None = Field(description="Requests that are answered in a minute; null: any number.")
    device_hours: float | None = Field(description="What searches of this name may spend in all; null: any amount.")
    spent_hours: float = Field(description="Device-hours that searches of this name have spent, deleted ones too.")


class NewTokenPublic(TokenPublic):
    """A new token."""

    token: str = Field(description="The secret, which is shown now and never again: Authorization: Bearer <token>.")


class Changes(StrEnum):
    """Which searches a caller may change."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


class AccessPublic(PublicModel):
    """What whoever asks may do here."""

    name: str | None = Field(
        description="Name of the token, the owner of what it starts; null for the service's own token, or without one."
    )
    scope: Scope
    may_start: bool = Field(description="Whether it may start searches.")
    may_change: Changes = Field(description="Which searches it may change: none, own (by `owner`) or all.")
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    device_hours: float | None = None
    spent_hours: float | None = Field(None, description="Device-hours spent so far; null where there is no budget.")
