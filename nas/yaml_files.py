"""Read models from files in YAML or JSON; each wrong field is named by its path."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from nas.yaml_text import parse_yaml
from search_spaces.json_text import parse_json
from search_spaces.validation import InputError, validate

Model = TypeVar("Model", bound=BaseModel)

STDIN = Path("-")
"""Stands for standard input where a file can be named."""


def _named(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


def read_yaml(path: Path, empty: bool = False) -> dict[str, Any]:
    """Read the mapping of fields from a file: JSON where its name ends in `.json`, YAML otherwise.

    Args:
        path: The file; `STDIN` reads standard input.
        empty: Whether a file without fields, such as one of comments only, is a mapping of none.

    Raises:
        ValueError: The file cannot be read, is not what its name says, or is no mapping; the message names the file and
            the place.
    """
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig") if path == STDIN else path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{_named(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{_named(path)} is not UTF-8 text") from None
    data = _parsed(path, text)
    if data is None and empty:
        return {}
    if data is None:
        raise ValueError(f"{_named(path)} has no fields in it")
    if not isinstance(data, dict):
        raise ValueError(f"{_named(path)} must hold a mapping of fields, not {type(data).__name__}")
    return data


def _parsed(path: Path, text: str) -> Any:
    if path.suffix.lower() != ".json":
        try:
            return parse_yaml(text)
        except ValueError as error:
            raise ValueError(f"{_named(path)} is {error}") from None
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


def entry_below(folder: Path, entry: Any, field: str) -> Any:
    """Make the path of a registered data set or of registered weights absolute.

    Args:
        folder: What a relative path is below: the folder of the file where it stands.
        entry: The fields of the entry, or the path alone; what is of another form stays as it is.
        field: The name of the field with the path.
    """
    if isinstance(entry, dict):
        return {**entry, field: _path_below(folder, entry[field])} if field in entry else entry
    return _path_below(folder, entry) if field == "path" else entry


def _path_below(folder: Path, path: Any) -> Any:
    if not isinstance(path, str) or not path or path.startswith("~"):
        return path
    return str(folder / path)


class FileError(InputError):
    """Fields of a file are wrong; the message begins with the file's path."""

    def __init__(self, path: Path, error: InputError) -> None:
        super().__init__(error.problems)
        self.args = (f"{_named(path)}: {error}",)
