"""How similar networks of Auto-DeepLab's space are: a kernel between cells and paths, for Gaussian processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, OPERATORS, AutoDeepLab

OPERATOR, INPUT, LEVEL = 1.0, 0.5, 1.0
"""What divides by e: another operator of an edge; twice another input; a layer of all on the next level."""

_READ = FIRST_BLOCK + 1
"""Kinds of inputs: the previous cell, the one before, a block of the same cell."""


def network_similarity(networks: Sequence[AutoDeepLab], others: Sequence[AutoDeepLab]) -> NDArray[np.float64]:
    """Compare every network of one list with every network of another, all with as many layers.

    A cell counts as the set of its edges, and an edge as a pair: its operator, and whether it reads one of the two
    cells before or a block of its own cell. Cells are compared as `nas.strategies.cell_similarity` compares theirs, by
    all pairs of edges. That is multiplied by exp(-mean difference of levels, over the layers). So the order of blocks
    and edges does not matter, and the matrix of any networks is positive semidefinite.

    Args:
        networks: n networks.
        others: m networks.

    Returns:
        Similarities in (0, 1], of shape (n, m).
    """
    table = _edges()
    one, other = _counts(networks), _counts(others)
    sums = one @ table @ other.T
    own, others_own = (np.sqrt(np.einsum("ij,jk,ik->i", counts, table, counts)) for counts in (one, other))
    paths, other_paths = (np.array([network.path for network in each], dtype=float) for each in (networks, others))
    apart = np.abs(paths[:, None] - other_paths).mean(2)
    found: NDArray[np.float64] = sums / (own[:, None] * others_own) * np.exp(-LEVEL * apart)
    return found


def _edges() -> NDArray[np.float64]:
    """Similarities of kinds of edges: every input with every operator."""
    operators, inputs = (
        np.exp(-scale * (1 - np.eye(count))) for scale, count in ((OPERATOR, len(OPERATORS)), (INPUT, _READ))
    )
    kinds = len(OPERATORS) * _READ
    table: NDArray[np.float64] = np.einsum("ij,kl->ikjl", inputs, operators).reshape(kinds, kinds)
    return table


def _counts(networks: Sequence[AutoDeepLab]) -> NDArray[np.float64]:
    """How many edges of each kind a network's cell has (networks, kinds)."""
    found = np.zeros((len(networks), _READ * len(OPERATORS)))
    for row, network in enumerate(networks):
        kinds = Counter(
            min(edge.input, FIRST_BLOCK) * len(OPERATORS) + OPERATORS.index(edge.operator)
            for block in network.blocks
            for edge in block.edges
        )
        found[row, list(kinds)] = list(kinds.values())
    return found
