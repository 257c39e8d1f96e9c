"""Auto-DeepLab's two spaces, cells and paths: their sizes by the paper's rules, and uniform sampling."""

from __future__ import annotations

import math
import random
from collections.abc import Collection

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, NONE, OPERATORS, STRIDES, AutoDeepLab, Block, Edge

START_LEVELS = (0, 1)
"""Layer 0 stands at stride 4 or 8."""

DECODABLE = tuple(operator for operator in OPERATORS if operator != NONE)


def count_cells(blocks: int, operators: int = len(OPERATORS)) -> int:
    """Cells as the paper counts them (section 3.1): block i (from 0) has two ordered edges, each with i + 2 possible
    inputs and all operators, none among them. Both edges may read the same state.
    """
    return math.prod(((index + FIRST_BLOCK) * operators) ** 2 for index in range(blocks))


def count_paths(layers: int, levels: int = len(STRIDES), start: Collection[int] = START_LEVELS) -> int:
    """Paths over a trellis: layer 0 at one of the `start` levels, then each level at most one from the last.

    75,025 for 12 layers. The paper's 2.9e4 is the 28,657 with layer 0 at stride 4.
    """
    return sum(_ways_on(layers, levels)[0][level] for level in start if level < levels)


def _ways_on(layers: int, levels: int) -> list[list[int]]:
    """`[layer][level]`: in how many ways a path that stands there can go on to the last layer."""
    ways = [[1] * levels]
    for _ in range(layers - 1):
        ways.append([sum(ways[-1][level] for level in _next(before, levels)) for before in range(levels)])
    return ways[::-1]


def _next(level: int, levels: int) -> range:
    return range(max(level - 1, 0), min(level + 2, levels))


def sample_cell(blocks: int, rng: random.Random) -> tuple[Block, ...]:
    """Uniform over what can be decoded: the cells of `count_cells` without the operator none."""
    return tuple(
        Block(edges=(_edge(index + FIRST_BLOCK, rng), _edge(index + FIRST_BLOCK, rng))) for index in range(blocks)
    )


def _edge(states: int, rng: random.Random) -> Edge:
    return Edge(input=rng.randrange(states), operator=rng.choice(DECODABLE))


def sample_path(layers: int, rng: random.Random, levels: int = len(STRIDES)) -> tuple[int, ...]:
    """Uniform over the paths that `count_paths` counts: each step weighs what is still ahead of it."""
    path: list[int] = []
    for ways in _ways_on(layers, levels):
        choices = _next(path[-1], levels) if path else range(min(len(START_LEVELS), levels))
        path += rng.choices(choices, weights=[ways[level] for level in choices])
    return tuple(path)


def sample(blocks: int, layers: int, rng: random.Random) -> AutoDeepLab:
    """A uniform cell and a uniform path."""
    return AutoDeepLab(blocks=sample_cell(blocks, rng), path=sample_path(layers, rng))
