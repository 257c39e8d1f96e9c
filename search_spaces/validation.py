"""What is wrong with a user's input: each field's path and a sentence, worded alike by service and command line."""

from __future__ import annotations

import difflib
import reprlib
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, overload

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

Model = TypeVar("Model", bound=BaseModel)


class FieldProblem(BaseModel):
    """One wrong field: its dotted path ("fidelity.rungs", "" for the whole) and a sentence."""

    path: str
    message: str


class InputError(ValueError):
    """Input that was refused; `problems` names every wrong field, the message reads them out."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(summary(self.problems))


def summary(problems: Sequence[FieldProblem]) -> str:
    """All problems in one line."""
    return "; ".join(f"{problem.path}: {problem.message}" if problem.path else problem.message for problem in problems)


@overload
def validate(model: type[Model], data: object) -> Model: ...
@overload
def validate(model: object, data: object) -> Any: ...
def validate(model: Any, data: object) -> Any:
    """`data` as a `model` (or one of a union); InputError with the path of each wrong field."""
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        raise InputError(field_problems(error.errors(include_url=False), data, model)) from None


def field_problems(errors: Sequence[Any], data: object, model: object = None) -> list[FieldProblem]:
    """Pydantic's errors about `data` as paths a person can follow and sentences.

    Pydantic puts the tag of a union's member into its locations ("strategy.dpc.pool"); what the user wrote has no
    such level, so steps that are not in `data` are left out. With `model` an unknown field is told what is known.
    """
    return [_problem(error, data, model) for error in errors]


def _problem(error: Mapping[str, Any], data: object, model: object) -> FieldProblem:
    kind, location = str(error["type"]), tuple(error["loc"])
    path = _path(location, data, keep_last=kind == "missing")
    context: Mapping[str, Any] = error.get("ctx") or {}
    if kind == "missing":
        message = "this field is required"
    elif kind == "extra_forbidden":
        message = _unknown(location, model)
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context["discriminator"]).strip("'").removesuffix("()")
        path = f"{path}.{tag}" if path else tag
        message = "this field is required"
        if kind == "union_tag_invalid":
            message = f"{context['tag']!r} is not known here; use one of {context['expected_tags']}"
    elif kind in ("model_type", "model_attributes_type"):
        message = "a mapping of fields is needed here"
    else:
        message = str(error["msg"]).removeprefix("Value error, ")
    return FieldProblem(path=_printable(path), message=_printable(message))


def _printable(text: str) -> str:
    """JSON can spell lone surrogates, which no UTF-8 answer or terminal can carry."""
    return text.encode(errors="replace").decode()


def _path(location: Sequence[str | int], data: Any, *, keep_last: bool) -> str:
    steps: list[str] = []
    for index, step in enumerate(location):
        if _has(data, step):
            data = data[step]
        elif not (keep_last and index == len(location) - 1):
            continue
        steps.append(str(step))
    return ".".join(steps)


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, Mapping):
        return step in data
    return isinstance(data, list | tuple) and isinstance(step, int) and step < len(data)


def _unknown(location: Sequence[str | int], model: object) -> str:
    name = str(location[-1])
    known = _known_fields(model, location[:-1])
    if not known:
        return "unknown field"
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"unknown field; did you mean {close[0]}?"
    return f"unknown field; known here: {', '.join(known)}"


def _known_fields(annotation: object, location: Sequence[str | int]) -> list[str]:
    """Fields of the model found by walking `location` down from `annotation`; empty where there is none."""
    annotation = _plain(annotation)
    if typing.get_origin(annotation) is dict and location:
        return _known_fields(typing.get_args(annotation)[1], location[1:])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if _is_model(_plain(member))]
        tagged = [member for member in members if location and location[0] in _tags(member)]
        if tagged:
            return _known_fields(tagged[0], location[1:])
        return _known_fields(members[0], location) if len(members) == 1 or (members and not location) else []
    fields = typing.cast(type[BaseModel], annotation).model_fields if _is_model(annotation) else {}
    if not location:
        return list(fields)
    name = str(location[0])
    return _known_fields(fields[name].annotation, location[1:]) if name in fields else []


def _plain(annotation: object) -> object:
    """The type itself, of a named alias or of an annotated type."""
    if isinstance(annotation, TypeAliasType):
        return _plain(annotation.__value__)
    if typing.get_origin(annotation) is not typing.Annotated:
        return annotation
    plain, *marks = typing.get_args(annotation)
    # A mark may stand for a union that is put together at run time (nas.specs.search.OneOf).
    return _plain(next((mark.union() for mark in marks if hasattr(mark, "union")), plain))


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tags(member: object) -> set[object]:
    """What pydantic may put into the location of an error in this member of a union: its tag."""
    given = {extra.tag for extra in getattr(member, "__metadata__", ()) if isinstance(extra, Tag)}
    model = typing.cast(type[BaseModel], _plain(member))
    literals = (field.annotation for field in model.model_fields.values())
    named = {
        value
        for literal in literals
        if typing.get_origin(literal) is typing.Literal
        for value in typing.get_args(literal)
    }
    return given | named


MOST_PROBLEMS = 3
"""How many of an input's faults one sentence names."""


def explain(error: ValidationError, tags: Collection[str] = ()) -> str:
    """What was wrong with a user's input, in one line: `path: sentence; path: sentence`.

    `tags` are the discriminator values that pydantic puts into the path of a union's member; they mean nothing to
    the user and are left out.
    """
    parts = []
    for problem in error.errors(include_url=False)[:MOST_PROBLEMS]:
        path = ".".join(str(step) for step in problem["loc"] if step not in tags)
        sentence = problem["msg"].removeprefix("Value error, ")
        parts.append(f"{path}: {sentence}" if path else sentence)
    if error.error_count() > MOST_PROBLEMS:
        parts.append(f"and {error.error_count() - MOST_PROBLEMS} more")
    return "; ".join(parts)


def shorten(value: Any) -> str:
    """A user's value as it may stand in a sentence, however long it is."""
    return reprlib.repr(value)
