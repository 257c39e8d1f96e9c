"""The error responses of each operation: a route names its own, the others follow from the shape of the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.callers import Need, need
from api.errors import MEDIA_TYPE
from nas.schemas.base import Problem
from nas.settings import Settings

DESCRIPTIONS: Mapping[int, str] = {
    401: "No bearer token, or one that is unknown, expired or revoked.",
    403: "The request comes from a page of another site, or its token may not do this, or the budget is spent.",
    404: "There is no such search, trial or snapshot, or none yet.",
    409: "The status or kind of the search does not allow this, or the Idempotency-Key was used for another request.",
    408: "The body did not arrive in time.",
    413: "The body is larger than 1 MiB.",
    415: "The body is compressed (Content-Encoding), which no route takes.",
    421: "The Host header has another name than this machine's own.",
    429: "The token has sent too many requests: try again after `Retry-After` seconds.",
    422: "Wrong input: `errors` name the path of each wrong field.",
    503: "The store or the cluster does not answer; try again after `Retry-After` seconds.",
}

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors that a route's function or its dependencies can answer, for the route's `responses`.

    `add_problems` adds the errors that follow from the shape of the request: 401, 403, 404 of a path, 408, 413,
    415, 421, 422, 429.
    """
    return {status: {"model": Problem, "description": DESCRIPTIONS[status]} for status in statuses}


def add_problems(document: dict[str, Any], settings: Settings) -> None:
    """Add to every operation the errors that it can answer, each as `application/problem+json`."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            responses = operation["responses"]
            responses.pop("422", None)  # FastAPI's own error, which has another format
            for status in _by_shape(path, method, operation, settings):
                responses[str(status)] = {
                    "description": DESCRIPTIONS[status],
                    "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
                }
            for response in responses.values():
                _as_problem(response.get("content", {}))
            # Successes first, in the route's order (its main one first; the sort is stable), then errors by status.
            operation["responses"] = dict(sorted(responses.items(), key=lambda item: int(item[0]) * (item[0] >= "4")))
    for name in _FASTAPI_ERRORS:
        document["components"]["schemas"].pop(name, None)


def _as_problem(content: dict[str, Any]) -> None:
    """Correct the media type of an error: FastAPI describes errors in the media type of the route's success."""
    if any(shape.get("schema") == _PROBLEM for shape in content.values()):
        content.clear()
        content[MEDIA_TYPE] = {"schema": _PROBLEM}


def _by_shape(path: str, method: str, operation: Mapping[str, Any], settings: Settings) -> Iterator[int]:
    if settings.token is None:
        yield from (403, 421)
    elif (needed := need(operation["operationId"], method)) is not Need.NOTHING:
        yield from (401, 429) if needed is Need.READ else (401, 403, 429)
    if "{" in path:
        yield 404
    if "requestBody" in operation:
        yield from (408, 413, 415)
    yield 422  # a parameter that is not declared, at the least
