"""The space of dense prediction cells with B branches: its size, uniform sampling, mutation, enumeration.

The operators of a cell are "plain", the paper's 81, or "extended", 92 with units of global reasoning.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

from search_spaces.dense_cell.architecture import (
    FEATURES,
    OPERATOR_SETS,
    Branch,
    DenseCell,
    Operator,
    OperatorSet,
    operator_index,
)


def size(branches: int, operators: OperatorSet = "plain") -> int:
    """Count the cells as written, where the same cell in another branch order counts again: B! * 81^B.

    Branch i (from 0) picks one of i + 1 inputs and one of 81 operators: 418,414,128,120 for 5 branches. With the
    extended operators there are B! * 92^B, 790,897,827,840 for 5 branches. `distinct` counts each cell once.

    Source:
        Chen et al., NeurIPS 2018, section 3.2.
    """
    options: int = len(OPERATOR_SETS[operators]) ** branches
    return math.factorial(branches) * options


def distinct(branches: int, operators: OperatorSet = "plain") -> int:
    """Count the different cells, each once whatever the order of its branches.

    A cell is a rooted forest whose nodes bear operators. A forest with n nodes is a multiset of trees; a tree with n
    nodes is an operator over a forest with n - 1 nodes. So
    n * forests(n) = sum over k of (sum over d | k of d * trees(d)) * forests(n - k), the Euler transform.
    """
    forests: list[int] = [1]
    trees: list[int] = [0]
    for n in range(1, branches + 1):
        trees.append(len(OPERATOR_SETS[operators]) * forests[n - 1])
        weights = [sum(d * trees[d] for d in range(1, k + 1) if k % d == 0) for k in range(1, n + 1)]
        forests.append(sum(weight * forests[n - k] for k, weight in enumerate(weights, start=1)) // n)
    return forests[branches]


def sample(branches: int, rng: random.Random, operators: OperatorSet = "plain") -> DenseCell:
    """Sample uniformly from the cells as written: each of the `size(branches, operators)` is equally likely."""
    options = OPERATOR_SETS[operators]
    return DenseCell(
        branches=tuple(
            Branch(input=rng.randrange(FEATURES, index), operator=rng.choice(options)) for index in range(branches)
        )
    )


def mutate(cell: DenseCell, rng: random.Random, operators: OperatorSet = "plain") -> DenseCell:
    """Change the input or the operator of one branch, so that a different cell results.

    The branch is drawn uniformly, then input or operator with equal probability (the first branch has one input only,
    so always its operator), then the new value uniformly among the others. Where two branches are equal, a new input
    can give the same cell in another order; then everything is drawn again. An operator of `cell` outside the set
    `operators` can be replaced, but is never drawn.
    """
    options = OPERATOR_SETS[operators]
    while True:
        index = rng.randrange(len(cell.branches))
        old = cell.branches[index]
        if index > 0 and rng.random() < 0.5:
            new = Branch(input=_other(range(FEATURES, index), old.input, rng), operator=old.operator)
        else:
            operator = options[_other(range(len(options)), operator_index(old.operator), rng)]
            new = Branch(input=old.input, operator=operator)
        mutant = DenseCell(branches=(*cell.branches[:index], new, *cell.branches[index + 1 :]))
        if mutant != cell:
            return mutant


def _other(values: range, current: int, rng: random.Random) -> int:
    if current not in values:
        return rng.choice(values)
    value = rng.choice(values[:-1])
    return value if value < current else value + 1


def cells(branches: int, operators: OperatorSet = "plain") -> Iterator[DenseCell]:
    """Yield every different cell once, in a fixed order.

    Meant for one or two branches: three already have 1.4 million cells.
    """
    seen = set()
    inputs = itertools.product(*(range(FEATURES, index) for index in range(branches)))
    for reads, chosen in itertools.product(inputs, itertools.product(OPERATOR_SETS[operators], repeat=branches)):
        cell = DenseCell(branches=tuple(map(_branch, reads, chosen)))
        if cell not in seen:
            seen.add(cell)
            yield cell


def _branch(source: int, operator: Operator) -> Branch:
    return Branch(input=source, operator=operator)
