"""What the client raises: the service refused a request, or did not answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import httpx

from search_spaces.validation import FieldProblem


class ClientError(Exception):
    """The service refused a request, or did not answer.

    The message is one sentence, the service's own where there is an answer.

    Attributes:
        status: HTTP status of the answer; None without an answer.
        problems: Wrong fields of the request, by path.
    """

    def __init__(self, message: str, status: int | None = None, problems: Iterable[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.problems = tuple(problems)


@contextlib.contextmanager
def transport_errors(url: str) -> Iterator[None]:
    """Turn connection failures of httpx into `ClientError`; `url` is the address of the service."""
    try:
        yield
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ClientError(f"no service answers at {url} ({error}); start one with: segnas serve") from error


def refusal(reply: httpx.Response) -> ClientError:
    """The error of an answer with an error status."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        body = reply.json()
        problems = [FieldProblem.model_validate(item) for item in body.get("errors", ())]
        return ClientError(str(body["detail"]), reply.status_code, problems)
    return ClientError(f"the service answered {reply.status_code} {reply.reason_phrase}", reply.status_code)
