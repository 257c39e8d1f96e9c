"""Read models from files in YAML or JSON; each wrong field is named by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from nas.yaml_text import parse_yaml
from search_spaces.json_text import parse_json
from search_spaces.validation import InputError, validate

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read the mapping of fields from a file: JSON where its name ends in `.json`, YAML otherwise.

    Raises:
        ValueError: The file cannot be read, is not what its name says, or is no mapping; the message names the file and
            the place.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    data = _parsed(path, text)
    if not isinstance(data, dict):
        raise ValueError(f"{path} must hold a mapping of fields, not {type(data).__name__}")
    return data


def _parsed(path: Path, text: str) -> Any:
    if path.suffix.lower() != ".json":
        try:
            return parse_yaml(text)
        except ValueError as error:
            raise ValueError(f"{path} is {error}") from None
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        place = f", line {error.lineno}, column {error.colno}" if error.doc else ""
        raise ValueError(f"{path} is not JSON{place}: {error.msg}") from None


@overload
def read_model(model: type[Model], path: Path, data: dict[str, Any] | None = None) -> Model: ...
@overload
def read_model(model: object, path: Path, data: dict[str, Any] | None = None) -> Any: ...
def read_model(model: Any, path: Path, data: dict[str, Any] | None = None) -> Any:
    """Validate a file as a model.

    Args:
        model: A pydantic model, or any type that pydantic can validate.
        path: The file.
        data: The file's mapping, if already read.

    Raises:
        ValueError: As for `read_yaml`.
        FileError: Fields are wrong; the message names the file and each wrong field.
    """
    try:
        return validate(model, read_yaml(path) if data is None else data)
    except InputError as error:
        raise FileError(path, error) from None


class FileError(InputError):
    """Fields of a file are wrong; the message begins with the file's path."""

    def __init__(self, path: Path, error: InputError) -> None:
        super().__init__(error.problems)
        self.args = (f"{path}: {error}",)
