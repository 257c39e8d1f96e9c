"""Errors in a user's input: the path of each wrong field and a sentence, the same in service and command line."""

from __future__ import annotations

import difflib
import json
import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

Model = TypeVar("Model", bound=BaseModel)

MOST_PROBLEMS = 20
"""Number of problems of one input that are listed; the rest are counted."""

UNKNOWN = object()
"""Stands for input that the caller does not have."""

LONGEST_PATH = 200
LONGEST_MESSAGE = 1000
"""Most characters of one problem's path and message, both of which may contain text of the user."""


class FieldProblem(BaseModel):
    """One wrong field: its dotted path ("fidelity.rungs", "" for the entire input) and a sentence."""

    path: str
    message: str


class InputError(ValueError):
    """Input was refused; `problems` lists the wrong fields, and the message has them in one line."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(summary(self.problems))


def summary(problems: Sequence[FieldProblem]) -> str:
    """Join problems to one line: `path: sentence; path: sentence`."""
    return "; ".join(f"{problem.path}: {problem.message}" if problem.path else problem.message for problem in problems)


@overload
def validate(model: type[Model], data: object) -> Model: ...
@overload
def validate(model: object, data: object) -> Any: ...
def validate(model: Any, data: object) -> Any:
    """Validate data as a pydantic model, or as any other type that pydantic understands.

    Raises:
        InputError: The data are wrong; it has the path of each wrong field.
    """
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        raise InputError(field_problems(_errors(error), data, model)) from None


def explain(error: ValidationError, data: object = UNKNOWN, model: object = None) -> str:
    """Describe pydantic's error about a user's input in one line: `path: sentence; path: sentence`.

    Args:
        error: The error that pydantic raised.
        data: The input, where the caller has it; see `field_problems`.
        model: The type that the input was validated as; see `field_problems`.
    """
    return summary(field_problems(_errors(error), data, model))


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_input=False)


def field_problems(errors: Sequence[Any], data: object = UNKNOWN, model: object = None) -> list[FieldProblem]:
    """Translate pydantic's errors to paths into the user's input, with a sentence for each.

    Args:
        errors: `ValidationError.errors()`.
        data: The input that was validated. Pydantic puts the tag of a union's member into its locations
            ("strategy.dpc.pool"). The input has no such level, so steps that are not in `data` are left out; without
            `data` all steps stay.
        model: The type that `data` was validated as; the message of an unknown field then names the known ones.

    Returns:
        At most `MOST_PROBLEMS` problems, and one more that counts the others where there are more.
    """
    errors = _without_other_members(_without_consequences(errors), data)
    return [field_problem(error, data, model) for error in errors[:MOST_PROBLEMS]] + more_problems(len(errors))


def _without_consequences(errors: Sequence[Any]) -> list[Any]:
    # Pydantic calls a list too short when its items are wrong and so not counted.
    if all(error["type"] != "too_short" for error in errors):
        return list(errors)
    inside = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in inside]


def _without_other_members(errors: Sequence[Any], data: object) -> list[Any]:
    # Of a union of a scalar and a model, pydantic calls a mapping of wrong fields no scalar, too.
    def is_other(error: Any) -> bool:
        if error["type"] not in _SCALAR_ERRORS or not error["loc"]:
            return False
        *place, member = error["loc"]
        given = _given_at(place, data)
        inside = (list(other["loc"][: len(place)]) == place for other in errors if other is not error)
        return isinstance(given, Mapping) and not _has(given, member) and any(inside)

    return [error for error in errors if not is_other(error)]


def _given_at(location: Sequence[str | int], data: Any) -> Any:
    for step in location:
        if _has(data, step):
            data = data[step]
    return data


def more_problems(count: int) -> list[FieldProblem]:
    """Make the problem that counts those beyond the first `MOST_PROBLEMS` of `count`; none where all are listed."""
    left = count - MOST_PROBLEMS
    return [FieldProblem(path="", message=f"and {left} more")] if left > 0 else []


def field_problem(error: Mapping[str, Any], data: object = UNKNOWN, model: object = None) -> FieldProblem:
    """Translate one of pydantic's errors to a path and a sentence of bounded length; see `field_problems`."""
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
        if kind in _SCALAR_ERRORS and (value := _value_at(location, data)) is not UNKNOWN:
            message = f"{message}, not {_in_words(value)}"
    return FieldProblem(path=_printable(path, LONGEST_PATH), message=_printable(message, LONGEST_MESSAGE))


_SCALAR_ERRORS = ("int_type", "float_type", "bool_type", "string_type")


def _value_at(location: Sequence[str | int], data: Any) -> Any:
    data = _given_at(location, data)
    return data if data is None or isinstance(data, bool | int | float | str) else UNKNOWN


def _in_words(value: bool | int | float | str | None) -> str:
    # With its type, since `true` and "010" look like what they are refused for.
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"the {'text' if isinstance(value, str) else 'number'} {shorten(value)}"


def _printable(text: str, longest: int) -> str:
    # Long text is cut in the middle. Lone surrogates, which JSON can spell but UTF-8 cannot encode, become "?".
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
    # Names of the fields of the model at `location` below `annotation`; empty where there is no model.
    annotation = _plain(annotation)
    if typing.get_origin(annotation) in (dict, list, tuple) and location:
        values = typing.get_args(annotation)[typing.get_origin(annotation) is dict]
        return _known_fields(values, location[1:])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            if location and any(isinstance(mark, Tag) and mark.tag == location[0] for mark in _metadata(member)):
                return _known_fields(member, location[1:])
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
    # The type behind a named alias or an annotation.
    if isinstance(annotation, TypeAliasType):
        return _plain(annotation.__value__)
    if typing.get_origin(annotation) is not typing.Annotated:
        return annotation
    plain, *metadata = typing.get_args(annotation)
    # Metadata may hold a union that is put together at run time (nas.specs.search.OneOf).
    return _plain(next((item.union() for item in metadata if hasattr(item, "union")), plain))


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tags(member: object) -> set[object]:
    # The constants by which pydantic may name this member of a union in the location of an error.
    model = typing.cast(type[BaseModel], _plain(member))
    literals = (field.annotation for field in model.model_fields.values())
    return {
        value
        for literal in literals
        if typing.get_origin(literal) is typing.Literal
        for value in typing.get_args(literal)
    }


def _metadata(annotation: object) -> tuple[object, ...]:
    metadata: tuple[object, ...] = getattr(annotation, "__metadata__", ())
    return metadata


def shorten(value: Any) -> str:
    """Shorten the repr of a user's value, however long it is, so that it fits in a sentence."""
    return reprlib.repr(value)
