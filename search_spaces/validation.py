"""What is wrong with a user's input: each field's path and a sentence, worded alike by service and command line."""

from __future__ import annotations

import difflib
import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

Model = TypeVar("Model", bound=BaseModel)

MOST_PROBLEMS = 20
"""How many of an input's problems are named; the rest are counted."""

UNKNOWN = object()
"""Stands for input that is not at hand."""

LONGEST_PATH = 200
LONGEST_MESSAGE = 1000
"""Characters of one problem's path and sentence: a user's own names stand in both."""


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
        raise InputError(field_problems(_errors(error), data, model)) from None


def explain(error: ValidationError, data: object = UNKNOWN, model: object = None) -> str:
    """What was wrong with a user's input, in one line: `path: sentence; path: sentence`.

    Args:
        error: What pydantic found.
        data: The input, where the caller has it; see `field_problems`.
        model: What the input should have been; see `field_problems`.
    """
    return summary(field_problems(_errors(error), data, model))


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_input=False)


def field_problems(errors: Sequence[Any], data: object = UNKNOWN, model: object = None) -> list[FieldProblem]:
    """Pydantic's errors as paths a person can follow and sentences: `MOST_PROBLEMS` of them, and how many more.

    Args:
        errors: `ValidationError.errors()`.
        data: What was validated. Pydantic puts the tag of a union's member into its locations ("strategy.dpc.pool");
            what the user wrote has no such level, so steps that are not in `data` are left out. Without `data` all
            steps stay.
        model: What `data` should have been; the message of an unknown field then names the known ones.
    """
    return [field_problem(error, data, model) for error in errors[:MOST_PROBLEMS]] + more_problems(len(errors))


def more_problems(count: int) -> list[FieldProblem]:
    """The problem that stands for all beyond `MOST_PROBLEMS`, of `count`; none where all are named."""
    left = count - MOST_PROBLEMS
    return [FieldProblem(path="", message=f"and {left} more")] if left > 0 else []


def field_problem(error: Mapping[str, Any], data: object = UNKNOWN, model: object = None) -> FieldProblem:
    """One of pydantic's errors as a path and a sentence, both of bounded length; see `field_problems`."""
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
            message = f"{shorten(context['tag'])} is not known here; use one of {context['expected_tags']}"
    elif kind in ("model_type", "model_attributes_type"):
        message = "a mapping of fields is needed here"
    else:
        message = str(error["msg"]).removeprefix("Value error, ")
    return FieldProblem(path=_printable(path, LONGEST_PATH), message=_printable(message, LONGEST_MESSAGE))


def _printable(text: str, longest: int) -> str:
    """Cut in the middle; and JSON can spell lone surrogates, which no UTF-8 answer or terminal can carry."""
    if len(text) > longest:
        half = (longest - 3) // 2
        text = f"{text[:half]}...{text[-half:]}"
    return text.encode(errors="replace").decode()


def _path(location: Sequence[str | int], data: Any, *, keep_last: bool) -> str:
    if data is UNKNOWN:
        return ".".join(map(str, location))
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
    if typing.get_origin(annotation) in (dict, list, tuple) and location:
        values = typing.get_args(annotation)[typing.get_origin(annotation) is dict]
        return _known_fields(values, location[1:])
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


def shorten(value: Any) -> str:
    """A user's value as it may stand in a sentence, however long it is."""
    return reprlib.repr(value)
