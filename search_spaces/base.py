"""Shared by all descriptions: strict pydantic models, canonical JSON and its content hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from search_spaces.strictness import strict_scalars


class StrictModel(BaseModel):
    """A frozen pydantic model that refuses unknown fields, NaN and infinity, and reads no scalar from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        return strict_scalars(handler(source), handler)


def canonical_json(value: Any) -> str:
    """Write a value as its one canonical JSON text: sorted keys, no spaces, ASCII.

    Raises:
        ValueError: The value contains NaN or infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def content_key(value: Any) -> str:
    """Compute the content hash of a value: sha256 (64 hex digits) of its canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
