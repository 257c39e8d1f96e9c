"""Auto-DeepLab's two-level architecture (Liu et al., CVPR 2019, section 3): one cell, and a path over strides."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from search_spaces.base import StrictModel, content_key

Operator: TypeAlias = Literal[
    "sep_3x3", "sep_5x5", "atrous_3x3", "atrous_5x5", "avg_pool_3x3", "max_pool_3x3", "skip", "none"
]

OPERATORS: tuple[Operator, ...] = (
    "sep_3x3",
    "sep_5x5",
    "atrous_3x3",
    "atrous_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
    "skip",
    "none",
)
"""The paper's 8 operators: atrous has rate 2, none gives zero. Their order decides keys, so it never changes."""

NONE: Operator = "none"

PREVIOUS, BEFORE_PREVIOUS, FIRST_BLOCK = 0, 1, 2
"""Numbers of the states that a block can read: H^{l-1}, H^{l-2}, then the blocks of the same cell.

TensorFlow DeepLab's `nas_cell.py` numbers the states alike.
"""

STRIDES = (4, 8, 16, 32)
"""Stride of each level of the trellis, in pixels."""

MAX_BLOCKS = 10
MAX_LAYERS = 64

_Index = Annotated[int, Field(strict=True, ge=0)]


class Edge(StrictModel):
    """One of the two inputs of a block.

    Attributes:
        input: Number of the state that is read: 0 is H^{l-1}, 1 is H^{l-2}, i + 2 is block i of the same cell.
        operator: What is applied to that state.
    """

    input: _Index
    operator: Operator


class Block(StrictModel):
    """The sum of two edges' outputs. The order of the edges does not matter; it is stored as written."""

    edges: tuple[Edge, Edge]


class AutoDeepLab(StrictModel):
    """A network decoded from Auto-DeepLab's search space: one cell, repeated in every layer along a path of strides.

    Two networks are equal (`==`, `hash`, `key`) when they differ only in the order of blocks or of a block's edges.

    Attributes:
        blocks: The blocks of the cell, whose output is the concatenation of all of them. The operator none belongs
            to the search space only: an edge that gives zero is never decoded.
        path: Level of each layer, 0 for stride 4 to 3 for stride 32. Layer 0 is at level 0 or 1, and the level
            changes by at most one from a layer to the next.
    """

    kind: Literal["auto_deeplab"] = "auto_deeplab"
    blocks: tuple[Block, ...]
    path: tuple[_Index, ...]

    @model_validator(mode="after")
    def _cell_makes_sense(self) -> Self:
        if not 1 <= len(self.blocks) <= MAX_BLOCKS:
            raise ValueError(f"a cell has 1 to {MAX_BLOCKS} blocks, not {len(self.blocks)}")
        for index, block in enumerate(self.blocks):
            for edge in block.edges:
                last = index + FIRST_BLOCK - 1
                if edge.input > last:
                    raise ValueError(
                        f"block {index} reads state {edge.input}, but it can only read 0 (the previous cell), "
                        f"1 (the one before){f' or an earlier block (2 to {last})' if index else ''}"
                    )
                if edge.operator == NONE:
                    raise ValueError(f"block {index} has an edge with operator none, which brings nothing")
        return self

    @model_validator(mode="after")
    def _path_makes_sense(self) -> Self:
        if not 1 <= len(self.path) <= MAX_LAYERS:
            raise ValueError(f"a path has 1 to {MAX_LAYERS} layers, not {len(self.path)}")
        for layer, level in enumerate(self.path):
            if level >= len(STRIDES):
                raise ValueError(f"layer {layer} is at level {level}, but levels go from 0 (stride 4) to 3 (stride 32)")
        if self.path[0] > 1:
            raise ValueError(f"layer 0 is at level {self.path[0]}, but a path starts at level 0 or 1")
        for layer, (before, after) in enumerate(itertools.pairwise(self.path), start=1):
            if abs(before - after) > 1:
                raise ValueError(
                    f"layer {layer} jumps from level {before} to {after}, but a level changes by at most one a layer"
                )
        return self

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each layer's output, in pixels."""
        return tuple(STRIDES[level] for level in self.path)

    def canonical(self) -> AutoDeepLab:
        """Reorder blocks and edges into the canonical order: the least of all valid orders."""
        blocks = tuple(
            Block(edges=tuple(Edge(input=source, operator=OPERATORS[operator]) for source, operator in edges))
            for edges in _least_order([_plain(block) for block in self.blocks])
        )
        return AutoDeepLab(blocks=blocks, path=self.path)

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the canonical form."""
        return content_key(self.canonical().model_dump(mode="json"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutoDeepLab) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


Plain: TypeAlias = tuple[tuple[int, int], ...]
"""A block's edges as sorted pairs (state, operator index)."""


def _plain(block: Block) -> Plain:
    return tuple(sorted((edge.input, OPERATORS.index(edge.operator)) for edge in block.edges))


def _least_order(blocks: Sequence[Plain]) -> list[Plain]:
    # The blocks, renumbered, in the valid order whose sequence compares least. It is built block by block: the next
    # block must be a least one among those whose inputs have their place, so only ties branch the recursion, and of
    # interchangeable ties only one.

    def rest(place: Mapping[int, int]) -> list[Plain]:
        ready = {}
        for state, edges in enumerate(blocks, start=FIRST_BLOCK):
            if state not in place and all(source in place for source, _ in edges):
                ready[state] = tuple(sorted((place[source], operator) for source, operator in edges))
        if not ready:
            return []
        least = min(ready.values())
        ties: list[int] = []
        for state, edges in ready.items():
            if edges == least and not any(_interchangeable(blocks, state, other) for other in ties):
                ties.append(state)
        return min([least, *rest({**place, state: len(place)})] for state in ties)

    return rest({PREVIOUS: PREVIOUS, BEFORE_PREVIOUS: BEFORE_PREVIOUS})


def _interchangeable(blocks: Sequence[Plain], a: int, b: int) -> bool:
    # Whether swapping the states a and b leaves the inputs of every block as they are.
    swap = {a: b, b: a}
    return all(
        tuple(sorted((swap.get(source, source), operator) for source, operator in edges)) == edges for edges in blocks
    )


def _published() -> AutoDeepLab:
    cell: tuple[tuple[tuple[int, Operator], tuple[int, Operator]], ...] = (
        ((1, "atrous_5x5"), (0, "sep_3x3")),
        ((1, "sep_3x3"), (0, "atrous_3x3")),
        ((3, "sep_3x3"), (1, "sep_3x3")),
        ((4, "sep_5x5"), (2, "sep_5x5")),
        ((3, "sep_5x5"), (5, "atrous_5x5")),
    )
    blocks = tuple(
        Block(edges=(Edge(input=a, operator=first), Edge(input=b, operator=second))) for (a, first), (b, second) in cell
    )
    return AutoDeepLab(blocks=blocks, path=(0, 0, 0, 1, 2, 1, 2, 2, 3, 3, 2, 1))


PUBLISHED_AUTO_DEEPLAB = _published()
"""The best network that Auto-DeepLab found on Cityscapes.

Source:
    Liu et al., CVPR 2019, figure 3; `hnasnet` in TensorFlow DeepLab's `nas_network.py`.
"""
