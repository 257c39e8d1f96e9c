"""Size of Auto-DeepLab's search space, cells and paths counted apart as in the paper, and uniform sampling."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Iterator, Sequence

from search_spaces.auto_deeplab.architecture import (
    FIRST_BLOCK,
    NONE,
    OPERATORS,
    STRIDES,
    AutoDeepLab,
    Block,
    Edge,
    Operator,
)

START_LEVELS = (0, 1)
"""Levels that layer 0 can have: stride 4 or 8."""

DECODABLE = tuple(operator for operator in OPERATORS if operator != NONE)
"""Operators that a decoded cell can have."""


def count_cells(blocks: int, operators: int = len(OPERATORS)) -> int:
    """Count the cells of the search space.

    Block i (from 0) has two ordered edges, each with i + 2 possible inputs and all operators, none among them. Both
    edges may read the same state.

    Source:
        Liu et al., CVPR 2019, section 3.1.
    """
    return math.prod(((index + FIRST_BLOCK) * operators) ** 2 for index in range(blocks))


def count_paths(layers: int, levels: int = len(STRIDES), start: Collection[int] = START_LEVELS) -> int:
    """Count the paths over a trellis: from layer to layer the level changes by at most one.

    There are 75,025 for 12 layers. The paper's 2.9e4 is the 28,657 with layer 0 at stride 4.

    Args:
        layers: Length of a path.
        levels: Levels of the trellis, from stride 4 on.
        start: Levels that layer 0 can have.
    """
    return sum(_completions(layers, levels)[0][level] for level in start if level < levels)


def _completions(layers: int, levels: int) -> list[list[int]]:
    # Entry [layer][level]: number of ways to complete a path from that node to the last layer.
    ways = [[1] * levels]
    for _ in range(layers - 1):
        ways.append([sum(ways[-1][level] for level in _next(before, levels)) for before in range(levels)])
    return ways[::-1]


def _next(level: int, levels: int) -> range:
    return range(max(level - 1, 0), min(level + 2, levels))


def sample_cell(blocks: int, rng: random.Random, operators: Sequence[Operator] = DECODABLE) -> tuple[Block, ...]:
    """Sample uniformly from the cells as written that can be decoded: those of `count_cells` without none."""
    return tuple(
        Block(edges=(_edge(index + FIRST_BLOCK, rng, operators), _edge(index + FIRST_BLOCK, rng, operators)))
        for index in range(blocks)
    )


def _edge(states: int, rng: random.Random, operators: Sequence[Operator]) -> Edge:
    return Edge(input=rng.randrange(states), operator=rng.choice(operators))


def sample_path(layers: int, rng: random.Random, levels: int = len(STRIDES)) -> tuple[int, ...]:
    """Sample uniformly from the paths that `count_paths` counts."""
    path: list[int] = []
    # A step is drawn with the number of paths that continue from it as its weight: all paths are equally likely.
    for ways in _completions(layers, levels):
        choices = _next(path[-1], levels) if path else range(min(len(START_LEVELS), levels))
        path += rng.choices(choices, weights=[ways[level] for level in choices])
    return tuple(path)


def sample(
    blocks: int,
    layers: int,
    rng: random.Random,
    levels: int = len(STRIDES),
    operators: Sequence[Operator] = DECODABLE,
) -> AutoDeepLab:
    """Sample a network: cell and path uniformly, independent of each other."""
    return AutoDeepLab(blocks=sample_cell(blocks, rng, operators), path=sample_path(layers, rng, levels))


def networks(
    blocks: int, layers: int, levels: int = len(STRIDES), operators: Sequence[Operator] = DECODABLE
) -> Iterator[AutoDeepLab]:
    """Yield every different network once, in a fixed order; meant for cells of one or two blocks and few layers."""
    for cell in _cells(blocks, operators):
        for path in paths(layers, levels):
            yield AutoDeepLab(blocks=cell, path=path)


def paths(layers: int, levels: int = len(STRIDES)) -> Iterator[tuple[int, ...]]:
    """Yield the paths that `count_paths` counts, in ascending order."""
    open_ends: list[tuple[int, ...]] = [(level,) for level in START_LEVELS if level < levels]
    for _ in range(layers - 1):
        open_ends = [(*path, level) for path in open_ends for level in _next(path[-1], levels)]
    return iter(open_ends)


def _cells(blocks: int, operators: Sequence[Operator]) -> Iterator[tuple[Block, ...]]:
    """Yield every different cell once."""
    seen: set[str] = set()
    choices = []
    for index in range(blocks):
        edges = [Edge(input=state, operator=op) for state in range(index + FIRST_BLOCK) for op in operators]
        choices.append([Block(edges=pair) for pair in itertools.combinations_with_replacement(edges, 2)])
    for cell in itertools.product(*choices):
        key = AutoDeepLab(blocks=cell, path=(0,)).key
        if key not in seen:
            seen.add(key)
            yield cell
