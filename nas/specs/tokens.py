"""Tokens of the service: what each scope may do, and what may be asked of a new one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from nas.specs.fields import Name
from search_spaces.base import StrictModel

RequestsPerMinute = Annotated[int, Field(ge=1, le=1_000_000)]
DeviceHours = Annotated[float, Field(ge=0, le=1e9)]


class Scope(StrEnum):
    """What a token may do: each scope may do all that the scopes before it may."""

    READ = "read"
    """Look at everything, change nothing."""
    SUBMIT = "submit"
    """Start searches, and change those that it has started."""
    ADMIN = "admin"
    """Change every search, make and revoke tokens, get Ray's token."""


class LimitsRequest(StrictModel):
    """Request of other limits of a token: these replace those that it has."""

    requests_per_minute: RequestsPerMinute | None = Field(
        None, description="Requests that are answered in a minute; null does not limit them."
    )
    device_hours: DeviceHours | None = Field(
        None,
        description="Device-hours that searches of this name may spend in all, from the first one on; null does not "
        "limit them.",
    )


class TokenRequest(LimitsRequest):
    """Request of a token."""

    name: Name = Field(description="Who or what will use it: the owner of the searches that it starts.")
    scope: Scope = Field(description="What it may do: read, submit (start searches, change its own), admin.")
    valid_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        None, description="Days after which it expires; null never lets it expire."
    )
