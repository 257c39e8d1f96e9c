"""A cell as values of named choices: what each branch reads and does, and the width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from nas.specs import DenseCellSpace
from search_spaces.dense_cell.architecture import FEATURES, OPERATOR_SETS, Branch, DenseCell, operator_index

Choices: TypeAlias = Mapping[str, Sequence[int]]
"""The values of each choice by its name: `input_<branch>`, `operator_<branch>`, `channels`."""


def cell_choices(space: DenseCellSpace) -> dict[str, Sequence[int]]:
    """List the choices of a space's cells: all inputs, then all operators, by their index, then the width.

    What leaves no choice is left out: where there is one feature map, the input of the first branch.
    """
    options, maps = len(OPERATOR_SETS[space.operators]), 1 if space.levels is None else len(space.levels)
    choices: dict[str, Sequence[int]] = {f"input_{i}": range(-maps, i) for i in range(space.branches)}
    choices |= {f"operator_{i}": range(options) for i in range(space.branches)}
    choices |= {"channels": space.channels or ()}
    return {name: values for name, values in choices.items() if len(values) > 1}


def encode(cell: DenseCell, choices: Choices) -> dict[str, int]:
    """Read the values of choices off a cell, with its branches in the order as written."""
    inputs = {f"input_{i}": branch.input for i, branch in enumerate(cell.branches)}
    operators = {f"operator_{i}": operator_index(branch.operator) for i, branch in enumerate(cell.branches)}
    width = {} if cell.channels is None else {"channels": cell.channels}
    values = {**inputs, **operators, **width}
    return {name: values[name] for name in choices}


def decode(values: Mapping[str, int], space: DenseCellSpace) -> DenseCell:
    """Make the cell that has these values of the choices of its space."""
    options, only = OPERATOR_SETS[space.operators], space.channels[0] if space.channels else None
    branches = tuple(
        Branch(input=values.get(f"input_{i}", FEATURES), operator=options[values[f"operator_{i}"]])
        for i in range(space.branches)
    )
    return DenseCell(branches=branches, levels=space.levels, channels=values.get("channels", only))
