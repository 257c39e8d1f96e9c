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
"""The paper's 8 operators; atrous means rate 2, none is the zero. The order is part of the canonical form."""

NONE: Operator = "none"

PREVIOUS, BEFORE_PREVIOUS, FIRST_BLOCK = 0, 1, 2
"""States that a block can read: H^{l-1}, H^{l-2}, then the blocks of the same cell, as in TensorFlow's code."""

STRIDES = (4, 8, 16, 32)
"""Stride of each level of the trellis, in pixels."""

MAX_BLOCKS = 10
MAX_LAYERS = 64

Whole = Annotated[int, Field(strict=True, ge=0)]


class Edge(StrictModel):
    """One of a block's two inputs: the state it reads and the operator on the way."""

    input: Whole
    operator: Operator


class Block(StrictModel):
    """Adds what its two edges bring. The order of the two means nothing; it is kept as written."""

    edges: tuple[Edge, Edge]


class AutoDeepLab(StrictModel):
    """A decoded network: the cell (its output is the concatenation of all its blocks) and the level of each layer.

    `path[l]` is the level of layer l: 0 is stride 4, 3 is stride 32. Layer 0 stands at level 0 or 1, and from a
    layer to the next the level changes by at most one. The operator none is in the search space only: an edge that
    brings nothing is never decoded.

    Networks are the same (`==`, `hash`, `key`) when they differ only in the order of blocks or of a block's edges.
    """

    kind: Literal["auto_deeplab"] = "auto_deeplab"
    blocks: tuple[Block, ...]
    path: tuple[Whole, ...]

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
        """The one way to write this network: the least one over all valid orders of its blocks and their edges."""
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
    """The blocks, renumbered, in the valid order whose sequence compares least.

    Block by block: whichever comes next must be a least one among those whose inputs are placed, so only ties have
    to be followed up, and of ties that are interchangeable only one.
    """

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
    """Whether all blocks read the states a and b alike."""
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
"""The network that the paper found on Cityscapes (its figure 3; `hnasnet` in TensorFlow DeepLab's nas_network.py)."""
