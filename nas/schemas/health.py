"""Whether the service works, as the REST interface answers it."""

from __future__ import annotations

from nas.schemas.base import PublicModel


class HealthPublic(PublicModel):
    """The process is alive."""

    status: str
    version: str


class PartPublic(PublicModel):
    """Whether one part that the service needs is there, and if not, why."""

    ok: bool
    message: str | None = None


class ServerPublic(PublicModel):
    """Whether the service can do its work, part by part, and where its cluster's dashboard is."""

    ready: bool
    version: str
    parts: dict[str, PartPublic]
    ray_dashboard: str | None
