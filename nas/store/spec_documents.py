"""Specs of searches as documents: written into rows, and read from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter

from nas.specs import SearchSpec

READ = 1024
"""Searches whose specs are held after they were read: pages of searches are read again and again."""


@cache
def spec_adapter() -> TypeAdapter[SearchSpec]:
    """What validates the spec of any search."""
    return TypeAdapter(SearchSpec)


def dump_spec(spec: SearchSpec) -> Any:
    """Make the document of a spec that a row holds."""
    return spec_adapter().dump_python(spec, mode="json")


def read_spec(search_id: str, document: Mapping[str, Any]) -> SearchSpec:
    """Read the spec of a search; validates a document only if it is not the one that was read of this search before."""
    held = _held(search_id)
    for known, spec in held:
        if known == document:
            return spec
    spec = spec_adapter().validate_python(document)
    held[:] = [(document, spec)]
    return spec


@lru_cache(READ)
def _held(search_id: str) -> list[tuple[Mapping[str, Any], SearchSpec]]:  # noqa: ARG001  the key
    """The document of a search and its spec, in a list that is empty at first."""
    return []
