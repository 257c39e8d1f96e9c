"""Read search requests from files; what reads any model from a file is in `nas.yaml_files`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nas.specs import SearchRequest
from nas.yaml_files import FileError, read_model, read_yaml

__all__ = ["FileError", "read_model", "read_request", "read_yaml"]


def read_request(path: Path) -> dict[str, Any]:
    """Read a search's request from a file, with all defaults filled in.

    A fidelity given by name stays a name: only the service knows the fidelity of that name.

    Raises:
        ValueError: As for `read_yaml`.
        FileError: Fields are wrong; the message names the file and each wrong field.
    """
    request: BaseModel = read_model(SearchRequest, path)
    return request.model_dump(mode="json")
