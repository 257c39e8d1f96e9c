"""Read search requests and fidelities from files; what reads any model from a file is in `nas.yaml_files`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nas.specs import Fidelity, SearchRequest
from nas.yaml_files import FileError, read_model, read_yaml

__all__ = ["FileError", "read_fidelity", "read_model", "read_request", "read_yaml"]


def read_request(path: Path) -> dict[str, Any]:
    """Read a search's request from a file, with all defaults filled in.

    A fidelity given by name stays a name: only the service knows the fidelity of that name.

    Raises:
        ValueError: As for `read_yaml`.
        FileError: Fields are wrong; the message names the file and each wrong field.
    """
    request: BaseModel = read_model(SearchRequest, path)
    return request.model_dump(mode="json")


def read_fidelity(path: Path, dataset: str | None = None) -> Fidelity:
    """Read a fidelity from a file; of a search spec or an architecture document, the fidelity in it is read.

    Args:
        path: The file.
        dataset: Takes the place of the data set that the file names; None leaves it.

    Raises:
        ValueError: As for `read_yaml`.
        FileError: Fields are wrong; the message names the file and each wrong field.
    """
    data = read_yaml(path)
    provenance = data.get("provenance")
    holder = provenance if "architecture" in data and isinstance(provenance, dict) else data
    if isinstance(holder.get("fidelity"), dict):
        data = holder["fidelity"]
    return read_model(Fidelity, path, data if dataset is None else {**data, "dataset": dataset})
