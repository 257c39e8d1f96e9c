"""Answers about the Ray dashboard."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel


class DashboardPublic(PublicModel):
    """Where the Ray dashboard is, and how to get in."""

    url: str
    token: str | None = Field(description="Ray's token; null where Ray asks for none.")
    signed_in: bool = Field(
        description="Whether the browser that asked has been given Ray's cookie, since the dashboard has the host name "
        "of this service. Else the dashboard asks for the token."
    )
