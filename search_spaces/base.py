"""What every description shares: strict models and one canonical JSON text with its content hash."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

MOST_PROBLEMS = 3
"""How many of an input's faults one sentence names."""


class StrictModel(BaseModel):
    """Frozen, refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, ASCII. ValueError on NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def content_key(value: Any) -> str:
    """sha256 (64 hex digits) of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


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
