"""The space of dense prediction cells with B branches: its size, uniform sampling, mutation, enumeration.

The operators of a cell are "plain", the paper's 81, or "extended", 92 with units of global reasoning. With `levels` the
branches read several feature maps; with `channels` the width is a choice as well, from those numbers of filters.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from functools import cache

from search_spaces.dense_cell.architecture import (
    OPERATOR_SETS,
    Branch,
    DenseCell,
    Levels,
    Operator,
    OperatorSet,
    operator_index,
)


def size(
    branches: int, operators: OperatorSet = "plain", levels: Levels | None = None, channels: Sequence[int] = ()
) -> int:
    """Count the cells as written, where the same cell in another branch order counts again: B! * 81^B.

    Branch i (from 0) picks one of i + 1 inputs and one of 81 operators: 418,414,128,120 for 5 branches. With the
    extended operators there are B! * 92^B, 790,897,827,840 for 5 branches. With L levels branch i picks one of i + L
    inputs, and each width counts anew. `distinct` counts each cell once.

    Source:
        Chen et al., NeurIPS 2018, section 3.2.
    """
    options: int = len(OPERATOR_SETS[operators]) ** branches
    maps = _maps(levels)
    return math.perm(branches + maps - 1, branches) * options * max(1, len(channels))


def distinct(
    branches: int, operators: OperatorSet = "plain", levels: Levels | None = None, channels: Sequence[int] = ()
) -> int:
    """Count the different cells, each once whatever the order of its branches.

    A cell is a rooted forest whose nodes bear operators. A forest with n nodes is a multiset of trees; a tree with n
    nodes is an operator over a forest with n - 1 nodes. So
    n * forests(n) = sum over k of (sum over d | k of d * trees(d)) * forests(n - k), the Euler transform.
    A cell of several levels is a forest for each level, with B nodes in all.
    """
    forests: list[int] = [1]
    trees: list[int] = [0]
    for n in range(1, branches + 1):
        trees.append(len(OPERATOR_SETS[operators]) * forests[n - 1])
        weights = [sum(d * trees[d] for d in range(1, k + 1) if k % d == 0) for k in range(1, n + 1)]
        forests.append(sum(weight * forests[n - k] for k, weight in enumerate(weights, start=1)) // n)
    ways = forests
    for _ in range(_maps(levels) - 1):
        ways = [sum(ways[k] * forests[n - k] for k in range(n + 1)) for n in range(branches + 1)]
    return ways[branches] * max(1, len(channels))


def sample(
    branches: int,
    rng: random.Random,
    operators: OperatorSet = "plain",
    levels: Levels | None = None,
    channels: Sequence[int] = (),
) -> DenseCell:
    """Sample uniformly from the cells as written: each of those that `size` counts is equally likely."""
    options, first = OPERATOR_SETS[operators], -_maps(levels)
    chosen = tuple(_branch(rng.randrange(first, index), rng.choice(options)) for index in range(branches))
    return DenseCell(branches=chosen, levels=levels, channels=rng.choice(channels) if channels else None)


def mutate(
    cell: DenseCell, rng: random.Random, operators: OperatorSet = "plain", channels: Sequence[int] = ()
) -> DenseCell:
    """Change the input or the operator of one branch, or the width, so that a different cell results.

    The branch is drawn uniformly, then input or operator with equal probability (where the first branch has one input
    only, always its operator), then the new value uniformly among the others. Where there is a choice of widths, the
    width is drawn as if it were one branch more. Where two branches are equal, a new input can give the same cell in
    another order; then everything is drawn again. An operator of `cell` outside the set `operators` can be replaced,
    but is never drawn; the same holds for a width outside `channels`.
    """
    while True:
        index = rng.randrange(len(cell.branches) + (len(channels) > 1))
        mutant = _resized(cell, rng, channels) if index == len(cell.branches) else _rewired(cell, index, rng, operators)
        if mutant != cell:
            return mutant


def _resized(cell: DenseCell, rng: random.Random, channels: Sequence[int]) -> DenseCell:
    width = rng.choice([width for width in channels if width != cell.channels])
    return DenseCell(branches=cell.branches, levels=cell.levels, channels=width)


def _rewired(cell: DenseCell, index: int, rng: random.Random, operators: OperatorSet) -> DenseCell:
    """Change the input or the operator of branch `index`."""
    options, old, inputs = OPERATOR_SETS[operators], cell.branches[index], range(-cell.maps, index)
    if len(inputs) > 1 and rng.random() < 0.5:
        new = Branch(input=_other(inputs, old.input, rng), operator=old.operator)
    else:
        operator = options[_other(range(len(options)), operator_index(old.operator), rng)]
        new = Branch(input=old.input, operator=operator)
    branches = (*cell.branches[:index], new, *cell.branches[index + 1 :])
    return DenseCell(branches=branches, levels=cell.levels, channels=cell.channels)


def _other(values: range, current: int, rng: random.Random) -> int:
    if current not in values:
        return rng.choice(values)
    value = rng.choice(values[:-1])
    return value if value < current else value + 1


def cells(
    branches: int, operators: OperatorSet = "plain", levels: Levels | None = None, channels: Sequence[int] = ()
) -> Iterator[DenseCell]:
    """Yield every different cell once, in a fixed order.

    Meant for one or two branches: three already have 1.4 million cells.
    """
    seen = set()
    inputs = itertools.product(*(range(-_maps(levels), index) for index in range(branches)))
    choices = itertools.product(OPERATOR_SETS[operators], repeat=branches)
    for reads, chosen, width in itertools.product(inputs, choices, channels or (None,)):
        cell = DenseCell(branches=tuple(map(_branch, reads, chosen)), levels=levels, channels=width)
        if cell not in seen:
            seen.add(cell)
            yield cell


def _maps(levels: Levels | None) -> int:
    return 1 if levels is None else len(levels)


@cache
def _branch(source: int, operator: Operator) -> Branch:
    """Make a branch, the same object for the same one: a search remembers every cell that it has proposed."""
    return Branch(input=source, operator=operator)
