"""Unions as client generators need them: distinguished by a required property, without objects as defaults.

The service accepts more than the document describes: a discriminator with a default may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nas.specs.early_stopping import LEFT_OUT

Schema = dict[str, Any]

_PREFIX = "#/components/schemas/"


def describe_unions(document: Schema) -> None:
    """Name the discriminator of every union of models, require it in the members, and turn object defaults to prose."""
    components: dict[str, Schema] = document["components"]["schemas"]
    for schema in list(_schemas(document)):
        _describe_default(schema)
        for members in (schema.get("oneOf"), schema.get("anyOf")):
            names = [member["$ref"].removeprefix(_PREFIX) for member in members or () if "$ref" in member]
            if len(names) > 1:
                _discriminate(schema, {name: components[name] for name in names})


def _schemas(node: Any) -> Iterator[Schema]:
    """Yield every mapping of the document, among them its schemas; the examples are added only later."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _schemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from _schemas(child)


def _discriminate(schema: Schema, members: Mapping[str, Schema]) -> None:
    if "discriminator" not in schema:
        tag = _common_tag(members)
        if tag is None or any(LEFT_OUT in member["properties"][tag] for member in members.values()):
            return
        constants = {member["properties"][tag]["const"]: name for name, member in members.items()}
        mapping = {constant: _PREFIX + name for constant, name in sorted(constants.items())}
        schema["discriminator"] = {"propertyName": tag, "mapping": mapping}
    tag = schema["discriminator"]["propertyName"]
    for member in members.values():
        member["properties"][tag].pop("default", None)
        member["required"] = list(dict.fromkeys([tag, *member.get("required", ())]))


def _common_tag(members: Mapping[str, Schema]) -> str | None:
    """Find the property whose constant differs in all members; None when there is none."""
    properties: list[dict[str, Schema]] = [member.get("properties", {}) for member in members.values()]
    for tag in properties[0]:
        constants = {str(found[tag].get("const")) for found in properties if "const" in found.get(tag, {})}
        if len(constants) == len(members):
            return tag
    return None


def _describe_default(schema: Schema) -> None:
    """Remove a default that is or holds an object, which no generator can make; describe the former in prose."""
    default = schema.get("default")
    if isinstance(default, dict):
        text = f"By default `{json.dumps(default)}`."
        schema["description"] = f"{schema['description']} {text}" if "description" in schema else text
    if _holds_object(default):
        del schema["default"]


def _holds_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_object, value)))
