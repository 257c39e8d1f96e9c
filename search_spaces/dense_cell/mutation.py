"""Mutation of dense cells by kinds of change: another operator, a neighbouring size, another input, level or width."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from search_spaces.changes import MutationKind
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    GRIDS,
    OPERATOR_SETS,
    RATES,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Operator,
    OperatorSet,
    PyramidPooling,
    operator_index,
)

_Change: TypeAlias = tuple[int, Branch] | int
"""A branch's position and its new description, or the new width of the cell."""


def mutate_by_kind(
    cell: DenseCell,
    rng: random.Random,
    kinds: Sequence[MutationKind],
    operators: OperatorSet = "plain",
    channels: Sequence[int] = (),
) -> DenseCell | None:
    """Make one change of one of these kinds, so that a different cell results.

    The kind is drawn uniformly among those of which the cell has a change, then the change uniformly among all of that
    kind, in whichever branch. Operators outside the set `operators` and widths outside `channels` can be replaced, but
    are never drawn.

    Args:
        cell: The cell to mutate.
        rng: Source of all draws.
        kinds: At least one, each once; a cell has no path.
        operators: The set of operators to draw from.
        channels: The widths to draw from.

    Returns:
        The mutated cell; None where the cell has no change of these kinds.
    """
    for kind in rng.sample(list(kinds), k=len(kinds)):
        changes = list(_changes(cell, kind, operators, channels))
        while changes:
            # Where two branches are equal, a new input can give the same cell in another order.
            if (mutant := _changed(cell, changes.pop(rng.randrange(len(changes))))) != cell:
                return mutant
    return None


def neighbours(operator: Operator) -> tuple[Operator, ...]:
    """List the operators of the same type of which one size is the next smaller or larger."""
    match operator:
        case Conv1x1():
            return ()
        case AtrousSeparable(rate=rate):
            return tuple(AtrousSeparable(rate=near) for near in _beside(rate, RATES))
        case PyramidPooling(grid=grid):
            return tuple(PyramidPooling(grid=near) for near in _beside(grid, GRIDS))
    # The sizes of a unit stand next to each other, ascending.
    at = operator_index(operator)
    around = EXTENDED_OPERATORS[at - 1 : at] + EXTENDED_OPERATORS[at + 1 : at + 2]
    return tuple(other for other in around if other.op == operator.op)


def _beside(pair: tuple[int, int], values: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    first, second = pair
    for value in _next_to(first, values):
        yield value, second
    for value in _next_to(second, values):
        yield first, value


def _next_to(value: int, values: tuple[int, ...]) -> tuple[int, ...]:
    at = values.index(value)
    return values[max(0, at - 1) : at] + values[at + 1 : at + 2]


def _changes(cell: DenseCell, kind: MutationKind, operators: OperatorSet, channels: Sequence[int]) -> Iterator[_Change]:
    if kind == "width":
        yield from (width for width in channels if width != cell.channels)
        return
    options = OPERATOR_SETS[operators]
    for index, branch in enumerate(cell.branches):
        new: Iterator[Branch] | Sequence[Branch] = ()
        if kind in ("operator", "neighbour"):
            at = operator_index(branch.operator)
            near = options if kind == "operator" else neighbours(branch.operator)
            allowed = (other for other in near if operator_index(other) != at and operator_index(other) < len(options))
            new = (Branch(input=branch.input, operator=other) for other in allowed)
        elif kind == "input" or (kind == "level" and branch.input < 0):
            sources = range(-cell.maps, index if kind == "input" else 0)
            new = (Branch(input=source, operator=branch.operator) for source in sources if source != branch.input)
        yield from ((index, other) for other in new)


def _changed(cell: DenseCell, change: _Change) -> DenseCell:
    if isinstance(change, int):
        return DenseCell(branches=cell.branches, levels=cell.levels, channels=change)
    index, branch = change
    branches = (*cell.branches[:index], branch, *cell.branches[index + 1 :])
    return DenseCell(branches=branches, levels=cell.levels, channels=cell.channels)
