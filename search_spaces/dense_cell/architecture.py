"""Descriptions of dense prediction cells, without the networks built from them.

Source: Chen et al., "Searching for Efficient Multi-Scale Architectures for Dense Image Prediction", NeurIPS 2018,
section 3.2.
"""

from __future__ import annotations

import itertools
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
"""Sizes of the pooling grid, per axis, in bins."""

FEATURES = -1
"""The input index of the feature map F, as in TensorFlow DeepLab's files; of several levels, that of the finest."""

MAX_BRANCHES = 32
"""Most branches of a cell that is accepted, far above the paper's 5."""


def _rate(value: int) -> int:
    if value not in RATES:
        raise ValueError(f"rate {value} is not one of {', '.join(map(str, RATES))}")
    return value


def _grid(value: int) -> int:
    if value not in GRIDS:
        raise ValueError(f"grid size {value} is not one of {', '.join(map(str, GRIDS))}")
    return value


_Integer = Annotated[int, Field(strict=True)]
Stride = Annotated[_Integer, Field(ge=1, le=64)]
Channels = Annotated[_Integer, Field(ge=1, le=4096)]


def _finest_first(strides: tuple[int, ...]) -> tuple[int, ...]:
    if any(a >= b for a, b in itertools.pairwise(strides)):
        raise ValueError(f"levels must be different strides, finest first, not {list(strides)}")
    return strides


Levels = Annotated[tuple[Stride, ...], Field(min_length=2, max_length=8), AfterValidator(_finest_first)]
"""Strides of the feature maps that a cell reads, in pixels of the image per cell, finest first."""

Rate = Annotated[_Integer, AfterValidator(_rate)]
Grid = Annotated[_Integer, AfterValidator(_grid)]


class Conv1x1(StrictModel):
    """1x1 convolution.

    A TensorFlow file may have a `rate` beside `"kernel": 1`. This rate has no effect and does not tell operators
    apart; it is stored so that such a file is written back as it was read.
    """

    op: Literal["conv1x1"] = "conv1x1"
    rate: tuple[Annotated[_Integer, Field(ge=1)], Annotated[_Integer, Field(ge=1)]] | None = None


class AtrousSeparable(StrictModel):
    """3x3 atrous separable convolution with `rate` = (vertical, horizontal)."""

    op: Literal["atrous_separable"] = "atrous_separable"
    rate: tuple[Rate, Rate]


class PyramidPooling(StrictModel):
    """Average spatial pyramid pooling into a `grid` of (rows, columns)."""

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
"""The paper's 81 operators. Their order decides the canonical form and so the keys of cells: it never changes."""

EXTENDED_OPERATORS: tuple[Operator, ...] = (
    *OPERATORS,
    *(DoubleAttention(maps=maps) for maps in (32, 64)),
    *(GloRe(nodes=nodes) for nodes in (32, 64)),
    *(GraphConvolution(vertices=vertices) for vertices in (4, 8, 32)),
    *(SymbolicReasoning(steps=steps) for steps in (1, 2)),
    ConstantContext(),
    NonLocal(),
)
"""The paper's 81 operators and 11 units of global reasoning. New ones go to the end, since the order never changes."""

OPERATOR_SETS: dict[OperatorSet, tuple[Operator, ...]] = {"plain": OPERATORS, "extended": EXTENDED_OPERATORS}
"""The operators of each set by the name of the set."""

_INDEX = {operator: index for index, operator in enumerate(EXTENDED_OPERATORS)}


def operator_index(operator: Operator) -> int:
    """Position of an operator in `EXTENDED_OPERATORS`; the rate of a 1x1 convolution does not matter."""
    return 0 if isinstance(operator, Conv1x1) else _INDEX[operator]


def _parameters(unit: Operator) -> str:
    values = unit.model_dump(exclude={"op"})
    return ", ".join(f"{name}={value}" for name, value in values.items())


class Branch(StrictModel):
    """One branch of a cell: an operator applied to a feature map or to the output of an earlier branch.

    `input` -1 is the feature map F, and j >= 0 is branch j. In a cell that reads several levels -1 is the finest, -2
    the next coarser one, and so on.
    """

    input: _Integer
    operator: Operator

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
"""The children of a node, sorted; each child is (index of its operator, its own children)."""


def _readable(index: int, levels: Levels | None) -> str:
    maps = ", ".join(f"level {stride} ({-position})" for position, stride in enumerate(levels or (), 1)) or "F (-1)"
    if index == 0:
        return maps
    return f"{maps} or branch 0" if index == 1 else f"{maps} or an earlier branch (0 to {index - 1})"


class DenseCell(StrictModel):
    """A dense prediction cell: branches in the order as written, whose outputs are concatenated.

    Every branch reads exactly one tensor, and the order of the concatenation does not matter. So a cell is a rooted
    tree: F is the root, each branch a child of the tensor that it reads, its operator the node's name. Two cells are
    equal when these trees are, whatever the order of the branches. Branches with equal operator and input stay two
    branches: each has its own weights, and it matters which of the two another branch reads.

    A cell with `levels` reads the feature maps of these strides, each of them at the size of the finest, to which the
    others are resized bilinearly before an operator reads them. It then is a tree for each level. `channels` is the
    number of filters of each branch; without it the fidelity says how many (`head.channels`).
    """

    # `==`, `hash` and `key` compare the trees. The docstring is part of the OpenAPI document, so it does not say that.

    kind: Literal["dense_cell"] = "dense_cell"
    branches: tuple[Branch, ...]
    # Both are left out of every dump while they are not given, so that cells of the paper's space keep their keys.
    levels: Levels | None = Field(
        None,
        exclude_if=lambda levels: levels is None,
        description="Strides of the feature maps that the branches read, finest first; absent for one feature map.",
    )
    channels: Channels | None = Field(
        None,
        exclude_if=lambda channels: channels is None,
        description="Filters of each branch; absent for those of the fidelity.",
    )

    @model_validator(mode="after")
    def _reads_only_earlier(self) -> Self:
        if not 1 <= len(self.branches) <= MAX_BRANCHES:
            raise ValueError(f"a cell has 1 to {MAX_BRANCHES} branches, not {len(self.branches)}")
        for index, branch in enumerate(self.branches):
            if not -self.maps <= branch.input < index:
                read = f"branch {branch.input}" if branch.input >= 0 else f"input {branch.input}"
                raise ValueError(f"branch {index} reads {read}, but it can only read {_readable(index, self.levels)}")
        return self

    @property
    def maps(self) -> int:
        """Number of feature maps that the branches can read."""
        return 1 if self.levels is None else len(self.levels)

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units of global reasoning among the operators; a cell of the paper's space has none."""
        return tuple(branch.operator for branch in self.branches if isinstance(branch.operator, Unit))

    @property
    def trees(self) -> tuple[Tree, ...]:
        """A tree for each feature map, children sorted: equal for equal cells of as many maps only (AHU encoding)."""
        # Inputs count from the end where they are negative, so the last lists are those of the feature maps.
        children: list[list[tuple[int, Tree]]] = [[] for _ in range(len(self.branches) + self.maps)]
        # From the last branch to the first: all readers of a branch come after it, so its children are complete.
        for index in reversed(range(len(self.branches))):
            branch = self.branches[index]
            node = (operator_index(branch.operator), tuple(sorted(children[index])))
            children[branch.input].append(node)
        return tuple(tuple(sorted(children[-position])) for position in range(1, self.maps + 1))

    def canonical(self) -> DenseCell:
        """Reorder the branches into the canonical order: depth first, readers of a tensor by operator, then subtree.

        Readers of a finer level come before those of a coarser one.
        """
        return self.model_copy(update={"branches": tuple(_depth_first(self.trees))})

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the canonical form: equal for equal cells, whatever their branch order."""
        return content_key(self.canonical().model_dump(mode="json", exclude_none=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DenseCell) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> object:
        return self.trees, self.levels, self.channels


def _depth_first(trees: tuple[Tree, ...]) -> Iterator[Branch]:
    written = 0
    for position, tree in enumerate(trees, 1):
        pending = [(node, -position) for node in reversed(tree)]
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
"""The best cell that DPC's search found on Cityscapes.

Source:
    Chen et al., NeurIPS 2018, figure 5; TensorFlow DeepLab's `dense_prediction_cell_branch5_top1_cityscapes.json`.
"""

ASPP_CELL = DenseCell(
    branches=(
        Branch(input=FEATURES, operator=Conv1x1()),
        *(Branch(input=FEATURES, operator=AtrousSeparable(rate=(rate, rate))) for rate in (6, 12, 18)),
        Branch(input=FEATURES, operator=PyramidPooling(grid=(1, 1))),
    )
)
"""Separable ASPP as a cell: a 1x1 convolution, three atrous convolutions and the mean of the map, side by side.

Source:
    Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018 (DeepLabv3+), section 3.1.
"""
