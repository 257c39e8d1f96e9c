import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.strategies.cell_similarity import INPUT_SCALE, OPERATOR_SCALE, cell_similarity
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Operator,
)
from search_spaces.dense_cell.space import sample

CONV, NEAR, FAR = Conv1x1(), AtrousSeparable(rate=(1, 1)), AtrousSeparable(rate=(21, 21))


def cell(*branches: tuple[int, Operator], channels: int | None = None) -> DenseCell:
    return DenseCell(branches=tuple(Branch(input=at, operator=op) for at, op in branches), channels=channels)


def alike(one: DenseCell, other: DenseCell) -> float:
    return float(cell_similarity([one], [other])[0, 0])


def slow(one: DenseCell, other: DenseCell) -> float:
    """The definition, pair by pair, without tables or indices of operators."""

    def difference(a, b) -> float:
        if a == b:
            return 0.0
        if isinstance(a, AtrousSeparable) and isinstance(b, AtrousSeparable):
            rates = (1, 3, 6, 9, 12, 15, 18, 21)
            return sum(abs(rates.index(x) - rates.index(y)) for x, y in zip(a.rate, b.rate, strict=True)) / 14
        if getattr(a, "op", "map") == getattr(b, "op", "other map") == "pyramid_pooling":
            grids = (1, 2, 4, 8)
            return sum(abs(grids.index(x) - grids.index(y)) for x, y in zip(a.grid, b.grid, strict=True)) / 6
        return 0.5 if getattr(a, "op", "map") == getattr(b, "op", "other map") else 1.0

    def overlap(c: DenseCell, d: DenseCell) -> float:
        def read(of: DenseCell, branch: Branch) -> Operator | int:
            return of.branches[branch.input].operator if branch.input >= 0 else branch.input

        return sum(
            math.exp(
                -difference(a.operator, b.operator) / OPERATOR_SCALE - difference(read(c, a), read(d, b)) / INPUT_SCALE
            )
            for a in c.branches
            for b in d.branches
        )

    return overlap(one, other) / math.sqrt(overlap(one, one) * overlap(other, other))


def test_by_hand():
    assert alike(cell((-1, CONV)), cell((-1, NEAR))) == pytest.approx(math.exp(-1))
    assert alike(cell((-1, NEAR)), cell((-1, FAR))) == pytest.approx(math.exp(-1))
    # Three rows of seven steps on one axis of fourteen.
    assert alike(cell((-1, NEAR)), cell((-1, AtrousSeparable(rate=(21, 1))))) == pytest.approx(math.exp(-1 / 2))
    # A branch more, which reads the first: overlaps 1 + e^-(1/2), 1, and 2 + 2 e^-(1/2).
    near = math.exp(-1 / 2)
    two = cell((-1, CONV), (0, CONV))
    assert alike(cell((-1, CONV)), two) == pytest.approx((1 + near) / math.sqrt(2 + 2 * near))
    assert alike(cell((-1, CONV), channels=32), cell((-1, CONV), channels=64)) == pytest.approx(math.exp(-1))


@given(st.integers(0, 2**32), st.sampled_from([1, 3, 5]), st.sampled_from(["plain", "extended"]))
def test_as_the_definition_says(seed, branches, operators):
    rng = random.Random(seed)
    cells = [sample(branches, rng, operators, rng.choice([None, (8, 16)])) for _ in range(3)]
    cells.append(sample(2, rng, operators))  # padded beside larger ones
    found = cell_similarity(cells, cells)
    assert found == pytest.approx(np.array([[slow(one, other) for other in cells] for one in cells]))
    assert np.linalg.eigvalsh(found).min() > -1e-9


def test_the_order_of_branches_does_not_matter():
    one = cell((-1, NEAR), (-1, FAR), (0, CONV))
    other = cell((-1, FAR), (-1, NEAR), (1, CONV))
    assert one == other
    assert alike(one, other) == pytest.approx(1)


def test_every_operator_has_a_place():
    cells = [cell((-1, operator)) for operator in EXTENDED_OPERATORS]
    found = cell_similarity(cells, cells)
    assert np.diag(found) == pytest.approx(1)
    assert found.min() == pytest.approx(math.exp(-1))
