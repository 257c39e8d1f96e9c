"""JSON files in which one process says to the next what runs, such as `server.json`: read or treated as absent."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

State = TypeVar("State", bound=BaseModel)


def read_state(path: Path, form: type[State]) -> State | None:
    """Read a state file.

    Whoever writes such a file may be of another version, and a power cut may leave the file empty or cut in the middle.
    Nothing is lost without it, so a file that cannot be used is no error.

    Args:
        path: The file.
        form: The model that the file's JSON must satisfy.

    Returns:
        What the file says; None where it is missing, cannot be read, or is of another form.
    """
    try:
        return form.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
