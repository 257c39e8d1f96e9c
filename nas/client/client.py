"""The client: one method for each call of the service, in a class for each of the things that the calls are about."""

from __future__ import annotations

from functools import partial
from typing import Self

from nas.client.address import DEFAULT_URL, find_service, service_of
from nas.client.calls import Calls
from nas.client.connection import Connection
from nas.client.evaluations import EvaluationMethods
from nas.client.outage import PATIENCE
from nas.client.results import ResultMethods
from nas.client.searches import SearchMethods
from nas.client.service import ServiceMethods
from nas.client.tokens import TokenCalls
from nas.client.trials import TrialMethods
from nas.settings import Settings, read_settings


class Client(SearchMethods, TrialMethods, ResultMethods, EvaluationMethods, ServiceMethods):
    """A connection to one service.

    Its methods about searches are in `nas.client.searches`, trials in `nas.client.trials`, what was found in
    `nas.client.results`, measuring again in `nas.client.evaluations`, the service itself in `nas.client.service`; those
    about tokens are `Client.tokens`.

    Args:
        url: Address of the service.
        token: Bearer token, if the service requires one.
        patience: Seconds during which a request is sent again after the connection was lost or the service was not
            ready. Every POST carries an idempotency key, so that none is carried out twice. So is one that has not
            answered yet and may be restarting: any on another machine, and on this one the service that `from_home`
            finds in the home folder. Where nobody runs a service, that is said at once. A wait is told by a line of
            the logger `segnas.client`.

    Raises:
        ClientError: The service refused a request or did not answer, or what answers is no Segnas service. Every method
            raises this error, except `alive` and `ready`.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None, *, patience: float = PATIENCE) -> None:
        self._connection = Connection(url, token, patience)
        self._calls = Calls(self._connection)
        self.tokens = TokenCalls(self._connection)

    @classmethod
    def from_home(cls, settings: Settings | None = None, patience: float = PATIENCE) -> Self:
        """Connect to the service that SEGNAS_URL names, else to the service of the home folder, with SEGNAS_TOKEN.

        The service of the home folder is followed where it comes back at another address, as one on port 0 does.

        Args:
            settings: By default read from the environment and the home folder.
            patience: As for the class.
        """
        settings = settings or read_settings()
        token = settings.token.get_secret_value() if settings.token is not None else None
        found = find_service(settings)
        client = cls(found.url, token, patience=patience)
        client._connection.expected |= found.known
        if not found.named:
            client._connection.moves = partial(service_of, settings.folder)
        return client

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
