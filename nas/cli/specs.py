"""Specs from files: YAML (or JSON, which is YAML), each wrong field named by its path."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, overload

import yaml
from pydantic import BaseModel

from nas.specs import SearchRequest
from search_spaces.validation import InputError, validate

Model = TypeVar("Model", bound=BaseModel)


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is written twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping. yaml.constructor.ConstructorError for a key written twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # the loader itself refuses it
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """A file's mapping. ValueError with one sentence: the file, the place, what is wrong."""
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=_UniqueKeys)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ValueError(f"{path} is not YAML{place}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} must hold a mapping of fields, not {type(data).__name__}")
    return data


@overload
def read_model(model: type[Model], path: Path, data: dict[str, Any] | None = None) -> Model: ...
@overload
def read_model(model: object, path: Path, data: dict[str, Any] | None = None) -> Any: ...
def read_model(model: Any, path: Path, data: dict[str, Any] | None = None) -> Any:
    """The file's mapping (or `data`, read from it) as a model. InputError naming the file and each wrong field."""
    try:
        return validate(model, read_yaml(path) if data is None else data)
    except InputError as error:
        raise FileError(path, error) from None


class FileError(InputError):
    """Wrong fields in a file."""

    def __init__(self, path: Path, error: InputError) -> None:
        super().__init__(error.problems)
        self.args = (f"{path}: {error}",)


def read_request(path: Path) -> dict[str, Any]:
    """A search's request in full, as it is sent. InputError naming the file and each wrong field.

    A fidelity given by name stays a name: only the service knows what it means.
    """
    request: BaseModel = read_model(SearchRequest, path)
    return request.model_dump(mode="json")
