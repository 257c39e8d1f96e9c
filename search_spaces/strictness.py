"""Numbers, truth values and texts of a description are taken as what they are: none is read from another type."""

from __future__ import annotations

import contextlib
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_SCALARS = ("int", "float", "bool", "str")
_LEFT_ALONE = ("lax-or-strict", "json-or-python")
"""Schemas with readings of their own: a path is written as a text, a status as its value."""


def strict_scalars(schema: CoreSchema, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Make every number, truth value and text below a core schema strict; lists, mappings and paths stay as they are.

    Pydantic's own strict mode also refuses a list where a tuple is declared, and JSON has no tuples. Without it `true`
    and the text "010" are integers.

    Args:
        schema: The schema of a model, which is changed in place.
        handler: Finds the schemas of named aliases.
    """
    _visit(schema, handler, set())
    return schema


def _visit(node: Any, handler: GetCoreSchemaHandler, seen: set[int]) -> None:
    if id(node) in seen:
        return
    if isinstance(node, list | tuple):
        for child in node:
            _visit(child, handler, seen)
    if not isinstance(node, dict):
        return
    seen.add(id(node))
    kind = node.get("type")
    if kind == "definition-ref":
        with contextlib.suppress(LookupError):  # of a model, which sees to its own fields
            _visit(handler.resolve_ref_schema(node), handler, seen)
    elif kind in _SCALARS:
        node["strict"] = True
    elif kind == "literal":
        _only_integers(node)
    elif kind not in _LEFT_ALONE and not (kind == "function-before" and _is_wrapped(node)):
        for name, child in node.items():
            if name not in ("metadata", "serialization", "default"):
                _visit(child, handler, seen)


def _only_integers(node: dict[str, Any]) -> None:
    # To Python, True and 1.0 are equal to the literal 1.
    if not any(isinstance(value, int) for value in node["expected"]):
        return
    literal = dict(node)
    node.clear()
    node.update(core_schema.no_info_before_validator_function(_integer, literal))


def _is_wrapped(node: dict[str, Any]) -> bool:
    # Schemas of models and aliases are visited again with each model that holds them.
    return bool(node["function"]["function"] is _integer)


def _integer(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value
