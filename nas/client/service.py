"""Calls about the service itself: whether it works, and what it offers."""

from __future__ import annotations

import httpx

from nas.client.calls import ServiceCalls
from nas.client.errors import ClientError
from nas.schemas.catalogue import DatasetPublic, SpacePublic
from nas.schemas.health import HealthPublic, ServerPublic
from nas.schemas.tokens import AccessPublic


class ServiceMethods(ServiceCalls):
    """The methods of `Client` about the service itself."""

    def alive(self) -> bool:
        """Whether a service answers."""
        try:
            self._calls.send("GET", "/healthz", patience=self._once_reached).model(HealthPublic)
        except ClientError:
            return False
        return True

    def server(self) -> ServerPublic:
        """Whether each part of the service works, and where the Ray dashboard is."""
        return self._server()

    def ready(self) -> bool:
        """Whether the service, its store and its cluster answer."""
        try:
            return self._server(self._once_reached).ready
        except ClientError:
            return False

    def _server(self, patience: float | None = None) -> ServerPublic:
        answer = self._calls.send("GET", "/v1/readyz", accept=(httpx.codes.SERVICE_UNAVAILABLE,), patience=patience)
        return answer.model(ServerPublic)

    @property
    def _once_reached(self) -> float | None:
        """The patience with a service that may not be there: none before it has answered, then the connection's."""
        return None if self._connection.answered else 0.0

    def access(self) -> AccessPublic:
        """What this client's token may do, when it expires, and what is left of its budget."""
        return self._calls.get("/v1/access").model(AccessPublic)

    def spaces(self) -> list[SpacePublic]:
        """The search spaces of the service."""
        return self._calls.get("/v1/spaces").models(SpacePublic)

    def datasets(self) -> list[DatasetPublic]:
        """The data sets registered on the server."""
        return self._calls.get("/v1/datasets").models(DatasetPublic)
