"""Read models from files in YAML (or JSON, which is YAML); each wrong field is named by its path."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, overload

import yaml
from pydantic import BaseModel

from search_spaces.validation import InputError, validate

Model = TypeVar("Model", bound=BaseModel)

STDIN = Path("-")
"""Stands for standard input where a file can be named."""


def _named(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


class _UniqueKeys(yaml.SafeLoader):
    """YAML loader that refuses a duplicate key, where PyYAML would silently use the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused by the base class
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, empty: bool = False) -> dict[str, Any]:
    """Read the mapping of fields from a YAML file.

    Args:
        path: The file; `STDIN` reads standard input.
        empty: Whether a file without fields, such as one of comments only, is a mapping of none.

    Raises:
        ValueError: The file cannot be read, is not YAML, or is no mapping; the message names the file and the place.
    """
    try:
        text = sys.stdin.buffer.read().decode("utf-8") if path == STDIN else path.read_text("utf-8")
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise ValueError(f"{_named(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{_named(path)} is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ValueError(f"{_named(path)} is not YAML{place}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{_named(path)} is not YAML: {' '.join(str(error).split())}") from None
    if data is None and empty:
        return {}
    if not isinstance(data, dict):
        raise ValueError(f"{_named(path)} must hold a mapping of fields, not {type(data).__name__}")
    return data


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
