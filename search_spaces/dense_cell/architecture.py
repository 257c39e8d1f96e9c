"""The dense prediction cell (Chen et al., "Searching for Efficient Multi-Scale Architectures for Dense Image
Prediction", NeurIPS 2018, section 3.2): a description, no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import TypeAliasType

from search_spaces.base import StrictModel, content_key
from search_spaces.units import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolution,
    NonLocal,
    SymbolicReasoning,
    Unit,
)

RATES = (1, 3, 6, 9, 12, 15, 18, 21)
"""Atrous rates of the 3x3 separable convolution, per axis, in cells at output stride 16."""

GRIDS = (1, 2, 4, 8)
"""Cells of the pooling grid, per axis."""

FEATURES = -1
"""The input index that means the feature map F, as in TensorFlow DeepLab's files."""

MAX_BRANCHES = 32
"""A bound on what is read, far above the paper's 5."""


def _rate(value: int) -> int:
    if value not in RATES:
        raise ValueError(f"rate {value} is not one of {', '.join(map(str, RATES))}")
    return value


def _grid(value: int) -> int:
    if value not in GRIDS:
        raise ValueError(f"grid size {value} is not one of {', '.join(map(str, GRIDS))}")
    return value


Whole = Annotated[int, Field(strict=True)]
Rate = Annotated[Whole, AfterValidator(_rate)]
Grid = Annotated[Whole, AfterValidator(_grid)]


class Conv1x1(StrictModel):
    """1x1 convolution.

    `rate` is what a TensorFlow file may say beside `"kernel": 1`. It means nothing and is no part of what the
    operator is; it is kept so that such a file is written back as it was read.
    """

    op: Literal["conv1x1"] = "conv1x1"
    rate: tuple[Annotated[Whole, Field(ge=1)], Annotated[Whole, Field(ge=1)]] | None = None


class AtrousSeparable(StrictModel):
    """3x3 atrous separable convolution with `rate` = (vertical, horizontal)."""

    op: Literal["atrous_separable"] = "atrous_separable"
    rate: tuple[Rate, Rate]


class PyramidPooling(StrictModel):
    """Average spatial pyramid pooling with `grid` = (rows, columns)."""

    op: Literal["pyramid_pooling"] = "pyramid_pooling"
    grid: tuple[Grid, Grid]


Operator = TypeAliasType(
    "Operator", Annotated[Conv1x1 | AtrousSeparable | PyramidPooling | Unit, Field(discriminator="op")]
)

OperatorSet: TypeAlias = Literal["plain", "extended"]

OPERATORS: tuple[Operator, ...] = (
    Conv1x1(),
    *(AtrousSeparable(rate=(vertical, horizontal)) for vertical in RATES for horizontal in RATES),
    *(PyramidPooling(grid=(rows, columns)) for rows in GRIDS for columns in GRIDS),
)
"""The paper's 81 operators. Their order is part of the canonical form, so it never changes."""

EXTENDED_OPERATORS: tuple[Operator, ...] = (
    *OPERATORS,
    *(DoubleAttention(maps=maps) for maps in (32, 64)),
    *(GloRe(nodes=nodes) for nodes in (32, 64)),
    *(GraphConvolution(vertices=vertices) for vertices in (4, 8, 32)),
    *(SymbolicReasoning(steps=steps) for steps in (1, 2)),
    ConstantContext(),
    NonLocal(),
)
"""The 81 and 11 units of global reasoning: 92. New ones go to the end, since the order never changes."""

OPERATOR_SETS: dict[OperatorSet, tuple[Operator, ...]] = {"plain": OPERATORS, "extended": EXTENDED_OPERATORS}
"""What a space can choose from."""

_INDEX = {operator: index for index, operator in enumerate(EXTENDED_OPERATORS)}


def operator_index(operator: Operator) -> int:
    """Position in `EXTENDED_OPERATORS`; a 1x1 convolution is the same operator whatever rate was written beside it."""
    return 0 if isinstance(operator, Conv1x1) else _INDEX[operator]


def _parameters(unit: Operator) -> str:
    values = unit.model_dump(exclude={"op"})
    return ", ".join(f"{name}={value}" for name, value in values.items())


class Branch(StrictModel):
    """One branch (X_i, OP_i): `input` is -1 for F, or j >= 0 for the output of branch j."""

    input: Whole
    operator: Operator

    @field_validator("input")
    @classmethod
    def _no_other_negative(cls, value: int) -> int:
        if value < FEATURES:
            raise ValueError(f"input {value} means nothing: -1 is the feature map F, 0 and up are branches")
        return value

    @field_validator("operator")
    @classmethod
    def _in_the_space(cls, operator: Operator) -> Operator:
        if isinstance(operator, Unit) and operator not in _INDEX:
            known = " or ".join(_parameters(other) for other in _INDEX if other.op == operator.op)
            raise ValueError(
                f"{operator.op} with {_parameters(operator)} is no operator of a cell; there it has {known}"
            )
        return operator


Tree: TypeAlias = "tuple[tuple[int, Tree], ...]"
"""Children of a node, sorted: (operator index, the child's own children)."""


def _readable(index: int) -> str:
    if index == 0:
        return "F (-1)"
    return "F (-1) or branch 0" if index == 1 else f"F (-1) or an earlier branch (0 to {index - 1})"


class DenseCell(StrictModel):
    """B branches, in the order as written; their outputs are concatenated.

    The concatenation is a set of branches up to order, and every branch reads exactly one tensor. So a cell is a
    rooted tree: F at the root, a branch below what it reads, its operator as its label. Two cells are the same
    (`==`, `hash`, `key`) when these trees are, whatever the order of the branches. Branches with equal operator and
    input stay two branches: they have weights of their own, and it matters which of them others read.
    """

    kind: Literal["dense_cell"] = "dense_cell"
    branches: tuple[Branch, ...]

    @model_validator(mode="after")
    def _reads_only_earlier(self) -> Self:
        if not 1 <= len(self.branches) <= MAX_BRANCHES:
            raise ValueError(f"a cell has 1 to {MAX_BRANCHES} branches, not {len(self.branches)}")
        for index, branch in enumerate(self.branches):
            if branch.input >= index:
                raise ValueError(f"branch {index} reads branch {branch.input}, but it can only read {_readable(index)}")
        return self

    @property
    def units(self) -> tuple[Unit, ...]:
        """Its units of global reasoning; a cell of the paper's space has none."""
        return tuple(branch.operator for branch in self.branches if isinstance(branch.operator, Unit))

    @property
    def tree(self) -> Tree:
        """The labelled tree with every node's children sorted: equal for equal cells only (AHU encoding)."""
        children: list[list[tuple[int, Tree]]] = [[] for _ in range(len(self.branches) + 1)]
        # From the last branch to the first: whatever reads a branch comes after it, so its children are complete.
        for index in reversed(range(len(self.branches))):
            branch = self.branches[index]
            node = (operator_index(branch.operator), tuple(sorted(children[index])))
            children[branch.input].append(node)
        return tuple(sorted(children[FEATURES]))

    def canonical(self) -> DenseCell:
        """The one way to write this cell: depth first, readers of a tensor sorted by operator, then by subtree."""
        return DenseCell(branches=tuple(_depth_first(self.tree)))

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the canonical form: the same for the same cell in another branch order."""
        return content_key(self.canonical().model_dump(mode="json", exclude_none=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DenseCell) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.tree)


def _depth_first(tree: Tree) -> Iterator[Branch]:
    pending = [(node, FEATURES) for node in reversed(tree)]
    written = 0
    while pending:
        (operator, readers), parent = pending.pop()
        yield Branch(input=parent, operator=EXTENDED_OPERATORS[operator])
        pending += [(node, written) for node in reversed(readers)]
        written += 1


PUBLISHED_CELL = DenseCell(
    branches=(
        Branch(input=FEATURES, operator=AtrousSeparable(rate=(1, 6))),
        Branch(input=0, operator=AtrousSeparable(rate=(18, 15))),
        Branch(input=1, operator=AtrousSeparable(rate=(6, 3))),
        Branch(input=0, operator=AtrousSeparable(rate=(1, 1))),
        Branch(input=0, operator=AtrousSeparable(rate=(6, 21))),
    )
)
"""The best cell that the paper found (its figure 5; TensorFlow DeepLab's
`dense_prediction_cell_branch5_top1_cityscapes.json`).
"""
