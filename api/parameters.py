"""Query and path parameters: unknown ones are refused, and each value is read as the type that the route declares."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from search_spaces.validation import MOST_PROBLEMS, FieldProblem, InputError, more_problems, shorten

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(rf"{_INTEGER.pattern}(\.[0-9]+)?([eE][-+]?[0-9]+)?")


async def _only_declared(request: Request) -> None:
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    problems = [*_query_problems(request, route.dependant), *_path_problems(request, route.dependant)]
    if problems:
        raise InputError([*problems[:MOST_PROBLEMS], *more_problems(len(problems))])


ONLY_DECLARED_PARAMETERS = Depends(_only_declared)
"""Dependency of a router: refuses what its routes do not declare, such as `dryrun=true` beside the known `dry_run`."""


def _query_problems(request: Request, dependant: Dependant) -> Iterator[FieldProblem]:
    known = dict(_declared(dependant, "query_params"))
    given = request.query_params.multi_items()
    counts = Counter(name for name, _ in given)
    for name in counts:
        if name not in known:
            yield FieldProblem(path=name[:100], message=_unknown(name, list(known)))
        elif counts[name] > 1 and not _is_list(known[name]):
            yield FieldProblem(path=name, message=f"this parameter is given {counts[name]} times; give it once")
    for name, text in given:
        if name in known and (wrong := _misread(known[name], text)) is not None:
            yield FieldProblem(path=name, message=wrong)


def _path_problems(request: Request, dependant: Dependant) -> Iterator[FieldProblem]:
    declared = dict(_declared(dependant, "path_params"))
    for name, text in request.path_params.items():
        if name in declared and (wrong := _misread(declared[name], text)) is not None:
            yield FieldProblem(path=name, message=wrong)


def _declared(dependant: Dependant, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the type of each parameter of a route and of what it depends on."""
    for field in getattr(dependant, kind):
        yield field.alias, field.field_info.annotation
    for needed in dependant.dependencies:
        yield from _declared(needed, kind)


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return "unknown parameter; this address takes none"
    close = difflib.get_close_matches(name[:100].lower(), known, n=1)
    if close:
        return f"unknown parameter; did you mean {close[0]}?"
    return f"unknown parameter; known here: {', '.join(sorted(known))}"


def _misread(annotation: Any, text: str) -> str | None:
    """Say what is wrong with a text that Python would read as a number or truth value, but JSON would not."""
    wanted = _members(annotation)
    if bool in wanted and text not in ("true", "false"):
        return f"true or false is needed, not {shorten(text)}"
    if int in wanted and not _INTEGER.fullmatch(text):
        return f"an integer in decimal digits is needed, not {shorten(text)}"
    if float in wanted and not _NUMBER.fullmatch(text):
        return f"a number in decimal digits is needed, not {shorten(text)}"
    return None


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, set):
        return tuple(member for part in typing.get_args(annotation) for member in _members(part))
    return (annotation,)


def _is_list(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return any(map(_is_list, typing.get_args(annotation)))
    return typing.get_origin(annotation) in (list, tuple, set)
