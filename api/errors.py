"""Error responses: RFC 9457 problem details with a sentence and, for wrong input, the path of each wrong field."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from nas.schemas.base import Problem
from nas.store import ConflictError, NotFoundError, StoreError
from search_spaces.validation import (
    MOST_PROBLEMS,
    FieldProblem,
    InputError,
    field_problem,
    more_problems,
    summary,
)

log = logging.getLogger("segnas.api")

MEDIA_TYPE = "application/problem+json"

_DISK_FULL = ("database or disk is full", "No space left on device")
"""What SQLite and PostgreSQL say then."""


class ApiError(Exception):
    """Raised by a route to answer with an error; the message is the sentence that the user reads."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make an error response.

    Args:
        status: The HTTP status.
        detail: One sentence for the user.
        errors: The wrong fields of the request.
        headers: Further headers of the response.
    """
    body = Problem(title=http.HTTPStatus(status).phrase, status=status, detail=detail, errors=tuple(errors))
    content = body.model_dump(mode="json", exclude_defaults=not errors)
    return JSONResponse({"type": body.type, **content}, status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the application answer every exception with problem details."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(InputError, _invalid_input)
    app.add_exception_handler(StoreError, _store_error)
    app.add_exception_handler(Exception, _unexpected)


async def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return problem(error.status, str(error), headers=error.headers)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = {
        404: f"there is no {request.url.path} here",
        405: f"{request.method} is not possible on {request.url.path}",
    }.get(error.status_code, error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return problem(error.status_code, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """List the methods of a path; Starlette names those of the first route on it only."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _body_model(request: Request) -> object:
    """Find the model of the body that the request's route expects; None where it expects none."""
    field = getattr(request.scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer a wrong body or parameter. The path of a wrong field starts in the body or at the parameter's name."""
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    problems = [_request_problem(request, error.body, detail) for detail in details[:MOST_PROBLEMS]]
    problems += more_problems(len(details))
    return problem(422, summary(problems), problems)


def _request_problem(request: Request, body: object, detail: Mapping[str, Any]) -> FieldProblem:
    place, *location = detail["loc"]
    if detail["type"] == "json_invalid":
        where = f" (character {location[0]})" if any(location) else ""
        return FieldProblem(path="", message=f"the body is not JSON: {detail['ctx']['error']}{where}")
    if place != "body":
        return field_problem({**detail, "loc": location})
    if not location and detail["type"] == "missing":
        return FieldProblem(path="", message="a JSON body is needed (Content-Type: application/json)")
    if isinstance(body, bytes):
        return FieldProblem(path="", message="send the body as JSON, with Content-Type: application/json")
    return field_problem({**detail, "loc": location}, body, _body_model(request))


async def _invalid_input(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InputError)
    return problem(422, str(error), error.problems)


async def _store_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFoundError):
        return problem(404, str(error))
    if isinstance(error, ConflictError):
        return problem(409, str(error))
    log.error("the store failed: %s", error)
    full = any(words in str(error) for words in _DISK_FULL)
    sentence = "the disk of the store is full: nothing can be recorded" if full else "the store does not answer"
    return problem(503, f"{sentence}; try again in a moment", headers={"Retry-After": "5"})


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    """Answer an exception that is a bug; the server's error middleware then raises it again, into the log."""
    return problem(500, "something is wrong with the service itself; its log says more")
