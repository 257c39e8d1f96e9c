"""Answers of the service, read within bounds; what is not an answer of a Segnas service is told as such."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from nas.client.errors import ClientError
from nas.escaping import one_line
from nas.schemas.base import Problem
from search_spaces.validation import FieldProblem, explain

Model = TypeVar("Model", bound=BaseModel)

MOST_BYTES = 256 << 20
"""The longest answer that is read, after decompression; a page of anything has less than a hundredth of it."""

LONGEST_SECONDS = 600.0
"""The longest time that one answer may take to arrive, however steadily it drips."""

_PASSING = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
_LONGEST_QUOTE = 200


@dataclass(frozen=True)
class Answer:
    """The complete answer to one request.

    Attributes:
        url: Of the service that was asked.
        status: The HTTP status.
        media_type: As the answer states it, without parameters, in lower case; empty where it states none.
        content: The body.
    """

    url: str
    status: int
    media_type: str
    content: bytes

    @property
    def text(self) -> str:
        """The body of an answer in plain text.

        Raises:
            ClientError: The answer is not plain text, so that it comes from no Segnas service.
        """
        return self._text("text/plain")

    @property
    def html(self) -> str:
        """The body of an answer that is a page.

        Raises:
            ClientError: The answer is not HTML, so that it comes from no Segnas service.
        """
        return self._text("text/html")

    def _text(self, media_type: str) -> str:
        if self.media_type != media_type:
            raise stranger(self)
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body of an answer in JSON.

        Raises:
            ClientError: The answer is not JSON, so that it comes from no Segnas service.
        """
        try:
            if not _is_json(self.media_type):
                raise stranger(self)
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise stranger(self) from None

    def picture(self) -> bytes:
        """The body of an answer that is a picture: PNG, JPEG or SVG.

        Raises:
            ClientError: The answer is no picture, so that it comes from no Segnas service.
        """
        if not self.media_type.startswith("image/"):
            raise stranger(self)
        return self.content

    def model(self, model: type[Model]) -> Model:
        """The body as one of the service's models; see `read_model`."""
        return read_model(model, self.json(), self.url)

    def models(self, model: type[Model]) -> list[Model]:
        """The body as a list of one of the service's models; see `read_model`."""
        items = self.json()
        if not isinstance(items, list):
            raise stranger(self)
        return [read_model(model, item, self.url) for item in items]


def read_model(model: type[Model], data: object, url: str) -> Model:
    """Read a part of an answer as a model of the service.

    Raises:
        ClientError: It is not of that form; the sentence says where.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ClientError(
            f"the answer from {url} is none that this version reads ({one_line(explain(error))[:_LONGEST_QUOTE]}): "
            "another program answers there, or a service of another version"
        ) from None


def receive(reply: httpx.Response, url: str, most: int = MOST_BYTES) -> Answer:
    """Read the body of an answer to its end.

    Raises:
        ClientError: The body is longer than `most` bytes, or takes too long.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    content = bytearray()
    for part in reply.iter_bytes():
        content += part
        if len(content) > most:
            raise ClientError(f"the answer from {url} is longer than {most >> 20} MiB, so the rest is not read")
        if time.monotonic() > deadline:
            raise ClientError(f"the answer from {url} is not complete after {LONGEST_SECONDS:g} s", sent=True)
    return Answer(url, reply.status_code, media_type(reply), bytes(content))


def media_type(reply: httpx.Response) -> str:
    """The media type of an answer without parameters, in lower case; empty where none is stated."""
    return str(reply.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def check(reply: httpx.Response, url: str, accept: Iterable[int] = ()) -> None:
    """Read an answer that is no success, and raise the error that it tells.

    Args:
        reply: The answer, whose body has not been read.
        url: Of the service that was asked.
        accept: Statuses of errors that count as success.

    Raises:
        ClientError: The service refused the request, the answer leads elsewhere, or it is none of a Segnas service.
    """
    if reply.is_success or reply.status_code in accept:
        return
    if reply.has_redirect_location:
        target = one_line(reply.headers["Location"])[:_LONGEST_QUOTE]
        raise ClientError(
            f"{url} redirects to {target}: if a Segnas service is there, name its address (SEGNAS_URL)",
            reply.status_code,
        )
    raise _refusal(receive(reply, url), reply)


def _refusal(answer: Answer, reply: httpx.Response) -> ClientError:
    problem = _problem(answer)
    after = _seconds(reply.headers.get("Retry-After"))
    if problem is not None:
        # Without Retry-After the service says that waiting does not help, such as for logs without a cluster.
        passing = answer.status in _PASSING and after is not None
        problems = [FieldProblem(path=one_line(p.path), message=one_line(p.message)) for p in problem.errors]
        return ClientError(
            one_line(problem.detail), answer.status, problems, temporary=passing, sent=passing, retry_after=after
        )
    if answer.status in (*_PASSING, httpx.codes.TOO_MANY_REQUESTS):
        message = f"the service at {answer.url} is not reached: {answer.status} {reply.reason_phrase}"
        return ClientError(one_line(message), answer.status, temporary=True, sent=True, retry_after=after)
    return stranger(answer)


def _problem(answer: Answer) -> Problem | None:
    if not _is_json(answer.media_type):
        return None
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None


def stranger(answer: Answer) -> ClientError:
    """The error of an answer that no Segnas service gives."""
    form = one_line(answer.media_type)[:_LONGEST_QUOTE] or "of no stated type"
    what = f"{answer.status}, {form}" if answer.content else f"{answer.status}, empty"
    return ClientError(
        f"what answers at {answer.url} is no Segnas service ({what}): check the address (SEGNAS_URL)", answer.status
    )


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else None
