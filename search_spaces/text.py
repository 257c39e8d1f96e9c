"""Architectures in words: one line that says what a head is, for tables and listings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, PUBLISHED_AUTO_DEEPLAB, STRIDES
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import Architecture, architecture_to_dict
from search_spaces.reference.architecture import TRUNK_WIDTH

_UNITS: dict[str, tuple[str, str]] = {
    "double_attention": ("double attention", "K={maps}"),
    "glore": ("GloRe", "m={nodes}"),
    "gcu": ("GCU", "V={vertices}"),
    "sgr": ("SGR", "steps={steps}"),
    "constant_context": ("constant context", ""),
    "non_local": ("non-local", ""),
}
_OPERATORS = {
    "double_attention": "attention{maps}",
    "glore": "glore{nodes}",
    "gcu": "gcu{vertices}",
    "sgr": "sgr{steps}",
    "constant_context": "context",
    "non_local": "nonlocal",
}


def label(architecture: Architecture) -> str:
    """A name for people: "ASPP (6, 12, 18)", "published DPC", "trunk + GloRe (m=64)"; any other cell as `describe`."""
    if architecture == PUBLISHED_CELL:
        return "published DPC"
    if architecture == PUBLISHED_AUTO_DEEPLAB:
        return "published Auto-DeepLab"
    data = architecture_to_dict(architecture)
    return _head(data) if data["kind"] == "reference_head" else describe(data)


def describe(architecture: Mapping[str, Any]) -> str:
    """The JSON of an architecture in one line: for a cell `branch:operator(input)`, F being the features; for an
    Auto-DeepLab its path's strides, then `block:operator(input)+operator(input)`, -1 and -2 being the cells before.

    What a newer version may have written is shown by its name.
    """
    kind = str(architecture["kind"])
    if kind == "dense_cell":
        return "  ".join(_branch(index, branch) for index, branch in enumerate(architecture["branches"]))
    if kind == "auto_deeplab":
        strides = "-".join(str(STRIDES[level]) for level in architecture["path"])
        return "  ".join([strides, *(_block(index, block) for index, block in enumerate(architecture["blocks"]))])
    if architecture.get("name") == "trunk":
        return _head(architecture)
    return str(architecture.get("name", kind))


def _head(head: Mapping[str, Any]) -> str:
    match head["name"]:
        case "conv1x1":
            return "1x1"
        case "aspp":
            return f"ASPP ({', '.join(map(str, head['rates']))})"
        case "ppm":
            return f"PPM ({', '.join(map(str, head['bins']))})"
        case _:
            width = head.get("width", TRUNK_WIDTH)
            trunk = "trunk" if width == TRUNK_WIDTH else f"trunk of {width}"
            return f"{trunk} + {_unit(head['unit'])}" if head.get("unit") else trunk


def _unit(unit: Mapping[str, Any]) -> str:
    name, pattern = _UNITS.get(unit["op"], (str(unit["op"]), ""))
    forms = [f"{field} {unit[field]}" for field in ("assignment", "mapping", "graph") if field in unit]
    size = [pattern.format_map(unit)] if pattern else []
    return f"{name} ({', '.join([*size, *forms])})" if size or forms else name


def _branch(index: int, branch: Mapping[str, Any]) -> str:
    operator = branch["operator"]
    source = "F" if branch["input"] < 0 else branch["input"]
    return f"{index}:{_operator(operator)}({source})"


def _block(index: int, block: Mapping[str, Any]) -> str:
    edges = (f"{edge['operator']}({edge['input'] - FIRST_BLOCK})" for edge in block["edges"])
    return f"{index}:{'+'.join(edges)}"


def _operator(operator: Mapping[str, Any]) -> str:
    match operator["op"]:
        case "conv1x1":
            return "conv1x1"
        case "atrous_separable":
            return f"sep{'x'.join(map(str, operator['rate']))}"
        case "pyramid_pooling":
            return f"pool{'x'.join(map(str, operator['grid']))}"
        case op:
            return _OPERATORS.get(op, "?").format_map(operator)
