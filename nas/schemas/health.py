"""Answers about the health of the service."""

from __future__ import annotations

from nas.schemas.base import PublicModel


class HealthPublic(PublicModel):
    """The service process is alive."""

    status: str
    version: str


class PartPublic(PublicModel):
    """Whether one part that the service needs is available, and if not, why."""

    ok: bool
    message: str | None = None


class ServerPublic(PublicModel):
    """Whether the service is ready for work, part by part, and where the dashboard of its Ray cluster is."""

    ready: bool
    version: str
    parts: dict[str, PartPublic]
    ray_dashboard: str | None
