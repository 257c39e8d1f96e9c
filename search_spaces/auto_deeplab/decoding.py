"""Decode alpha and beta to an architecture (Auto-DeepLab, Liu et al., CVPR 2019, section 3.4), in plain numpy."""

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
    """Decode the probabilities of a supernet to one network.

    Args:
        alpha: Probabilities of the operators, `(edges of a cell, operators)`: block after block, and for each block
            its possible input states in order (0 is H^{l-1}, 1 is H^{l-2}, 2 and up are blocks).
        beta: One probability for each edge of the trellis, in the order of `trellis.edges`.
        operators: The operators that the columns of `alpha` stand for.
        trellis: Layers and levels of the supernet.
        rule: How the path is chosen; see `decode_path`.

    Source:
        Liu et al., CVPR 2019, section 3.4.
    """
    return AutoDeepLab(blocks=decode_cell(alpha, operators), path=decode_path(beta, trellis, rule))


def decode_cell(alpha: ArrayLike, operators: Sequence[Operator]) -> tuple[Block, ...]:
    """Choose for each block the two states with the strongest operator other than none, and these operators.

    Of equally strong ones the lower state and the earlier operator win. The edges of a block are written with their
    states ascending.

    Args:
        alpha: Probabilities of the operators, `(edges of a cell, operators)`; see `decode`.
        operators: The operators that the columns of `alpha` stand for.
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
    """Find the path from the stem to the last layer whose probabilities have the largest product (Viterbi).

    With the rule `normalised` each step's probability is divided by that of a uniform choice among the edges that
    leave the same node. A node at the border of the trellis has two such edges where others have three, so the plain
    product of the rule `beta` prefers the border whatever was learned: uniform betas decode to stride 4 in all layers.

    Of equally likely paths the one with the fewest changes of level wins, then the one with the finer level in the
    first layer where they differ.

    Args:
        beta: One probability for each edge of the trellis, in the order of `trellis.edges`.
        trellis: Layers and levels of the supernet.
        rule: `beta` (the paper's) or `normalised`.

    Returns:
        Level of each layer.
    """
    values = scores(beta, trellis, rule)
    # For each level of the layer reached so far: (score, changes of level, path) of the best path to it.
    best: dict[int, tuple[float, int, tuple[int, ...]]] = {0: (0.0, 0, ())}
    for layer in range(trellis.layers):
        reached: dict[int, tuple[float, int, tuple[int, ...]]] = {}
        for target in trellis.nodes(layer):
            arrivals = []
            for source in trellis.incoming(layer, target):
                score, changes, path = best[source]
                step = values[trellis.position[TrellisEdge(layer, source, target)]]
                arrivals.append((score + step, changes + (source != target), (*path, target)))
            reached[target] = min(arrivals, key=_preference)
        best = reached
    return min(best.values(), key=_preference)[2]


def scores(beta: ArrayLike, trellis: Trellis, rule: PathRule) -> Floats:
    """Compute what each edge of the trellis adds to a path's score, in the order of `trellis.edges`.

    That is the logarithm of the edge's probability, relative to a uniform choice with the rule `normalised`.
    """
    values = np.log(np.maximum(np.asarray(beta, np.float64), 1e-300))
    assert values.shape == (len(trellis.edges),)
    if rule == "normalised":
        for group in trellis.groups:
            values[list(group)] += math.log(len(group))
    return values


def _preference(candidate: tuple[float, int, tuple[int, ...]]) -> tuple[float, int, tuple[int, ...]]:
    # Scores are rounded, so that sums of the same logarithms in another order are equal.
    score, changes, path = candidate
    return -round(score, 12), changes, path


def entropy_of_cell(alpha: ArrayLike) -> float:
    """Mean entropy of the operator probabilities over the edges of a cell, divided by that of a uniform choice.

    Args:
        alpha: Probabilities of the operators, `(edges of a cell, operators)`.

    Returns:
        1 for undecided (uniform), 0 for decided probabilities.
    """
    table = np.asarray(alpha, np.float64)
    if table.shape[1] == 1:
        return 0.0
    return float(np.mean([_entropy(row) for row in table]) / math.log(table.shape[1]))


def entropy_of_paths(beta: ArrayLike, trellis: Trellis) -> float:
    """Mean entropy of the beta probabilities over the nodes with several outgoing edges, divided by that of uniform.

    Args:
        beta: One probability for each edge of the trellis, in the order of `trellis.edges`.
        trellis: Layers and levels of the supernet.

    Returns:
        1 for undecided (uniform), 0 for decided probabilities.
    """
    values = np.asarray(beta, np.float64)
    parts = [_entropy(values[list(group)]) / math.log(len(group)) for group in trellis.groups if len(group) > 1]
    return float(np.mean(parts)) if parts else 0.0


def _entropy(probabilities: Floats) -> float:
    return float(-(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum())
