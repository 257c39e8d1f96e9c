"""From alpha and beta to an architecture (Auto-DeepLab, Liu et al., CVPR 2019, section 3.4). Plain numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.auto_deeplab.architecture import NONE, AutoDeepLab, Block, Edge, Operator
from search_spaces.auto_deeplab.trellis import Trellis, TrellisEdge

PathRule = Literal["beta", "normalised"]
Floats = NDArray[np.float64]


def decode(
    alpha: ArrayLike, beta: ArrayLike, operators: Sequence[Operator], trellis: Trellis, rule: PathRule
) -> AutoDeepLab:
    """The network that probabilities stand for.

    `alpha` (edges of a cell, operators), block after block and in each the states in order (0 is H^{l-1}, 1 is
    H^{l-2}, 2 and up are blocks); `beta` one probability per edge of the trellis, in the order of `trellis.edges`.
    """
    return AutoDeepLab(blocks=decode_cell(alpha, operators), path=decode_path(beta, trellis, rule))


def decode_cell(alpha: ArrayLike, operators: Sequence[Operator]) -> tuple[Block, ...]:
    """Per block the two states with the strongest non-zero operator, and on each edge that operator.

    `none` takes part in neither choice. Of equals the lower state and the earlier operator win; a block's edges are
    written with the states ascending.
    """
    table = np.asarray(alpha, np.float64)
    columns = [index for index, operator in enumerate(operators) if operator != NONE]
    assert columns
    blocks: list[Block] = []
    first = 0
    while first < len(table):
        rows = table[first : first + len(blocks) + 2][:, columns]
        assert len(rows) == len(blocks) + 2, "alpha has a row for each edge of each block"
        strength = rows.max(1)
        strongest = sorted(np.argsort(-strength, kind="stable")[:2].tolist())
        edges = [Edge(input=state, operator=operators[columns[int(rows[state].argmax())]]) for state in strongest]
        blocks.append(Block(edges=(edges[0], edges[1])))
        first += len(rows)
    return tuple(blocks)


def decode_path(beta: ArrayLike, trellis: Trellis, rule: PathRule) -> tuple[int, ...]:
    """The path of largest product of probabilities from the stem to the last layer (Viterbi).

    With the rule `normalised` each step's probability is divided by that of a uniform choice among the ways on from
    its node: a node at the border has two of them where others have three, so the plain product prefers the border
    whatever was learned, and uniform betas mean all-stride-4. Of equal paths the one with the fewest changes of level
    wins, then the one that is finer first.
    """
    values = scores(beta, trellis, rule)
    # For each level of the layer so far: (score, changes, path), best last layer by layer.
    best: dict[int, tuple[float, int, tuple[int, ...]]] = {0: (0.0, 0, ())}
    for layer in range(trellis.layers):
        reached: dict[int, tuple[float, int, tuple[int, ...]]] = {}
        for target in trellis.nodes(layer):
            ways = []
            for source in trellis.incoming(layer, target):
                score, changes, path = best[source]
                step = values[trellis.position[TrellisEdge(layer, source, target)]]
                ways.append((score + step, changes + (source != target), (*path, target)))
            reached[target] = min(ways, key=_preference)
        best = reached
    return min(best.values(), key=_preference)[2]


def scores(beta: ArrayLike, trellis: Trellis, rule: PathRule) -> Floats:
    """What each edge adds to a path's score: the logarithm of its probability, relative to uniform if `normalised`."""
    values = np.log(np.maximum(np.asarray(beta, np.float64), 1e-300))
    assert values.shape == (len(trellis.edges),)
    if rule == "normalised":
        for group in trellis.groups:
            values[list(group)] += math.log(len(group))
    return values


def _preference(way: tuple[float, int, tuple[int, ...]]) -> tuple[float, int, tuple[int, ...]]:
    # Rounded, so that sums of the same logarithms in another order are equal.
    return -round(way[0], 12), way[1], way[2]


def entropy_of_cell(alpha: ArrayLike) -> float:
    """Mean entropy of the edges' operator probabilities, relative to uniform: 1 undecided, 0 decided."""
    table = np.asarray(alpha, np.float64)
    if table.shape[1] == 1:
        return 0.0
    return float(np.mean([_entropy(row) for row in table]) / math.log(table.shape[1]))


def entropy_of_paths(beta: ArrayLike, trellis: Trellis) -> float:
    """Mean over the nodes that have a choice of the entropy of their ways on, relative to uniform."""
    values = np.asarray(beta, np.float64)
    parts = [_entropy(values[list(group)]) / math.log(len(group)) for group in trellis.groups if len(group) > 1]
    return float(np.mean(parts)) if parts else 0.0


def _entropy(chances: Floats) -> float:
    return float(-(chances * np.log(np.maximum(chances, 1e-300))).sum())
