"""The two published JSON formats of an Auto-DeepLab network. Reading and writing back gives an equal value.

TensorFlow DeepLab (nas_network.py, nas_cell.py): three lists,
    {"operations": ["atrous_5x5", ...], "hiddenstate_indices": [1, 0, ...], "backbone": [0, 0, 0, 1, ...]}
two operations per block; state 0 is H^{l-1}, 1 is H^{l-2}, 2 and up are blocks. TensorFlow's "none" passes the state
through: it is the paper's skip, not the paper's zero.

PyTorch re-implementations, after DARTS: all edges of the cell are numbered,
    {"genotype": [[edge, operator], ...], "path": [0, 0, 0, 1, ...]}
two entries per block, in any order; block i has the i + 2 edges that follow those of block i - 1, one from each of
s0 = H^{l-2}, s1 = H^{l-1}, then the earlier blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from search_spaces.auto_deeplab.architecture import BEFORE_PREVIOUS, FIRST_BLOCK, PREVIOUS, AutoDeepLab, Operator
from search_spaces.validation import explain, shorten

_TENSORFLOW: dict[str, Operator] = {
    "separable_3x3_2": "sep_3x3",
    "separable_5x5_2": "sep_5x5",
    "atrous_3x3": "atrous_3x3",
    "atrous_5x5": "atrous_5x5",
    "avg_pool_3x3": "avg_pool_3x3",
    "max_pool_3x3": "max_pool_3x3",
    "none": "skip",
}
_TO_TENSORFLOW = {operator: name for name, operator in _TENSORFLOW.items()}

DARTS_OPERATORS: tuple[Operator, ...] = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip",
    "sep_3x3",
    "sep_5x5",
    "atrous_3x3",
    "atrous_5x5",
)
"""Operators in the order in which DARTS genotypes number them."""

_SWAPPED = {PREVIOUS: BEFORE_PREVIOUS, BEFORE_PREVIOUS: PREVIOUS}
"""DARTS names the two input states the other way round."""


def is_tensorflow(data: Mapping[str, Any]) -> bool:
    """Whether a mapping is meant to be in TensorFlow's format."""
    return "operations" in data or "hiddenstate_indices" in data


def is_darts(data: Mapping[str, Any]) -> bool:
    """Whether a mapping is meant to be in the DARTS format."""
    return "genotype" in data


def read_tensorflow(data: Mapping[str, Any]) -> AutoDeepLab:
    """Read a network from TensorFlow DeepLab's three lists.

    Raises:
        ValueError: The lists describe no Auto-DeepLab network; one line names the entry.
    """
    operations, states, backbone = _lists(data, "operations", "hiddenstate_indices", "backbone")
    if len(operations) != len(states) or len(operations) % 2:
        raise ValueError(
            f"operations and hiddenstate_indices need two entries a block, but have {len(operations)} and {len(states)}"
        )
    edges = []
    for index, (name, state) in enumerate(zip(operations, states, strict=True)):
        if not isinstance(name, str) or name not in _TENSORFLOW:
            raise ValueError(f"operations[{index}] is {shorten(name)}; the known ones are {', '.join(_TENSORFLOW)}")
        edges.append({"input": state, "operator": _TENSORFLOW[name]})
    return _network(edges, backbone)


def write_tensorflow(network: AutoDeepLab) -> dict[str, Any]:
    """Write a network as TensorFlow DeepLab's three lists, blocks and edges in the network's own order."""
    edges = [edge for block in network.blocks for edge in block.edges]
    return {
        "operations": [_TO_TENSORFLOW[edge.operator] for edge in edges],
        "hiddenstate_indices": [edge.input for edge in edges],
        "backbone": list(network.path),
    }


def read_darts(data: Mapping[str, Any]) -> AutoDeepLab:
    """Read a network from the numbered edges and the path of PyTorch re-implementations.

    Raises:
        ValueError: Edges and path describe no Auto-DeepLab network; one line names the entry.
    """
    genotype, path = _lists(data, "genotype", "path")
    if len(genotype) % 2:
        raise ValueError(f"genotype needs two entries a block, but has {len(genotype)}")
    return _network([_read_entry(index, entry) for index, entry in enumerate(genotype)], path)


def _read_entry(index: int, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, list | tuple) or len(entry) != 2 or any(type(number) is not int for number in entry):
        raise ValueError(f"genotype[{index}] is {shorten(entry)}; it must be [edge, operator], two whole numbers")
    edge, operator = entry
    block = index // 2
    first = _first_edge(block)
    if not first <= edge < _first_edge(block + 1):
        raise ValueError(
            f"genotype[{index}] is edge {edge}, but block {block} has the edges {first} to {_first_edge(block + 1) - 1}"
        )
    if not 0 <= operator < len(DARTS_OPERATORS):
        raise ValueError(f"genotype[{index}] has operator {operator}; they go from 0 to {len(DARTS_OPERATORS) - 1}")
    state = edge - first
    return {"input": _SWAPPED.get(state, state), "operator": DARTS_OPERATORS[operator]}


def write_darts(network: AutoDeepLab) -> dict[str, Any]:
    """Write a network as numbered edges and a path, blocks and edges in the network's own order."""
    genotype = [
        [_first_edge(index) + _SWAPPED.get(edge.input, edge.input), DARTS_OPERATORS.index(edge.operator)]
        for index, block in enumerate(network.blocks)
        for edge in block.edges
    ]
    return {"genotype": genotype, "path": list(network.path)}


def _first_edge(block: int) -> int:
    # The blocks before it have 2, 3, 4, ... edges.
    return sum(index + FIRST_BLOCK for index in range(block))


def _network(edges: Sequence[dict[str, Any]], path: Sequence[Any]) -> AutoDeepLab:
    blocks = [{"edges": edges[start : start + 2]} for start in range(0, len(edges), 2)]
    try:
        return AutoDeepLab.model_validate({"blocks": blocks, "path": path})
    except ValidationError as error:
        raise ValueError(f"not an Auto-DeepLab network: {explain(error)}") from None


def _lists(data: Mapping[str, Any], *names: str) -> list[Sequence[Any]]:
    for name in data:
        if name not in names:
            raise ValueError(f"{shorten(name)} is no field of this format, which has {', '.join(names)}")
    for name in names:
        if not isinstance(data.get(name), list | tuple):
            raise ValueError(f"{name} must be a list, not {shorten(data.get(name))}")
    return [data[name] for name in names]
