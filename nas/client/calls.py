"""Calls of a service: requests, and lists that come page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from nas.client.answers import Answer, read_model
from nas.client.connection import Connection
from nas.schemas.base import PagePublic

Item = TypeVar("Item", bound=BaseModel)


class Calls:
    """Calls over one connection.

    Args:
        connection: To the service; it sends a request again while that does no harm.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request; `request` are the arguments of `Connection.send`."""
        return self._connection.send(method, path, changes=method != "GET", **request)

    def get(self, path: str, **params: Any) -> Answer:
        """Read what is at a path; parameters that are None are left out."""
        return self.send("GET", path, params=params)

    def post(
        self, path: str, body: BaseModel | Mapping[str, Any], key: str | None, *, changes: bool = True, **params: str
    ) -> Answer:
        """Send a spec or a request.

        Args:
            path: Where to.
            body: The model, or its fields.
            key: The idempotency key; None makes one.
            changes: Whether the request changes anything.
            params: Of the query.
        """
        content = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        return self._connection.send("POST", path, json=content, params=params, key=key, changes=changes)

    def pages(self, path: str, model: type[Item], page: int, **params: Any) -> Iterator[Item]:
        """Read a list, whose next page is asked for when the last item of a page has been taken.

        Args:
            path: Of the list.
            model: Of its items.
            page: Items of a page.
            params: Of the query.
        """
        cursor: str | None = None
        while True:
            answer = self.get(path, **params, limit=page, cursor=cursor)
            body = answer.model(PagePublic[Any])
            for item in body.items:
                yield read_model(model, item, answer.url)
            if body.next_cursor is None or body.next_cursor == cursor:
                return
            cursor = body.next_cursor


class ServiceCalls:
    """The base of the classes that `Client` consists of."""

    _connection: Connection
    _calls: Calls

    @property
    def url(self) -> str:
        """Address of the service, without a password."""
        return self._connection.url
