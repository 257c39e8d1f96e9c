"""Decoding by hand, and against brute force over all paths."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.auto_deeplab.architecture import OPERATORS, Operator
from search_spaces.auto_deeplab.decoding import decode, decode_cell, decode_path, entropy_of_cell, entropy_of_paths
from search_spaces.auto_deeplab.formats import read_darts, write_darts
from search_spaces.auto_deeplab.trellis import Trellis, TrellisEdge

NAMES: tuple[Operator, ...] = ("none", "skip", "sep_3x3", "atrous_5x5")


def path_edges(trellis, path):
    """Where the betas of the edges along a path stand."""
    steps = enumerate(itertools.pairwise((0, *path)))
    return [trellis.position[TrellisEdge(layer, source, target)] for layer, (source, target) in steps]


def chances(trellis, seed=None, logits=None):
    values = np.random.default_rng(seed).normal(size=len(trellis.edges)) if logits is None else np.asarray(logits)
    beta = np.empty(len(trellis.edges))
    for group in trellis.groups:
        part = np.exp(values[list(group)])
        beta[list(group)] = part / part.sum()
    return beta


def every_path(layers, levels):
    for path in itertools.product(range(levels), repeat=layers):
        if path[0] <= 1 and all(abs(a - b) <= 1 for a, b in itertools.pairwise(path)):
            yield path


def test_none_neither_chooses_edges_nor_is_chosen():
    alpha = [
        [0.9, 0.02, 0.05, 0.03],  # block 0, H^{l-1}: mostly none, then sep_3x3
        [0.1, 0.6, 0.2, 0.1],  # H^{l-2}: skip
        [0.97, 0.01, 0.01, 0.01],  # block 1, H^{l-1}: nearly all none
        [0.5, 0.05, 0.05, 0.4],  # H^{l-2}: atrous_5x5
        [0.6, 0.15, 0.2, 0.05],  # block 0: sep_3x3
    ]
    blocks = decode_cell(alpha, NAMES)
    assert [[(edge.input, edge.operator) for edge in block.edges] for block in blocks] == [
        [(0, "sep_3x3"), (1, "skip")],
        [(1, "atrous_5x5"), (2, "sep_3x3")],
    ]


def test_a_single_operator_can_be_decoded():
    assert [edge.operator for edge in decode_cell([[1.0], [1.0]], ("skip",))[0].edges] == ["skip", "skip"]


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_cell_against_every_pair_of_edges(seed, blocks):
    alpha = np.random.default_rng(seed).dirichlet(np.ones(8), size=blocks * (blocks + 3) // 2)
    real = [index for index, operator in enumerate(OPERATORS) if operator != "none"]
    row = 0
    for index, block in enumerate(decode_cell(alpha, OPERATORS)):
        rows = alpha[row : row + index + 2]
        row += index + 2
        pairs = itertools.combinations(range(index + 2), 2)
        best = max(pairs, key=lambda pair: sum(rows[state][real].max() for state in pair))
        assert tuple(edge.input for edge in block.edges) == best
        for edge in block.edges:
            assert rows[edge.input][OPERATORS.index(edge.operator)] == rows[edge.input][real].max()


def test_decoded_networks_survive_the_edge_form():
    """Operators stay with their edges also where a block is written with its edges in descending order."""
    trellis = Trellis(4, 4)
    alpha = np.random.default_rng(3).dirichlet(np.ones(8), size=20)
    network = decode(alpha, chances(trellis, 3), OPERATORS, trellis, "beta")
    form = write_darts(network)
    assert read_darts(form) == network
    swapped = [entry for block in range(5) for entry in reversed(form["genotype"][2 * block : 2 * block + 2])]
    assert read_darts({**form, "genotype": swapped}) == network


@pytest.mark.parametrize("rule", ["beta", "normalised"])
@pytest.mark.parametrize(("layers", "levels"), [(1, 4), (2, 1), (3, 2), (4, 3), (6, 4)])
@pytest.mark.parametrize("seed", range(5))
def test_viterbi_is_the_best_of_all_paths(layers, levels, rule, seed):
    trellis = Trellis(layers, levels)
    beta = chances(trellis, seed)
    ways = {index: len(group) for group in trellis.groups for index in group}

    def worth(path) -> float:
        edges = path_edges(trellis, path)
        return math.prod(beta[edge] * (ways[edge] if rule == "normalised" else 1) for edge in edges)

    best = max(every_path(layers, levels), key=worth)
    assert worth(decode_path(beta, trellis, rule)) == pytest.approx(worth(best), rel=1e-9)


def test_uniform_betas_run_along_the_border_unless_normalised():
    """1/2 at the border beats 1/3 inside: the paper's rule decodes ignorance to all-stride-4."""
    trellis = Trellis(12, 4)
    uniform = chances(trellis, logits=np.zeros(105))
    assert decode_path(uniform, trellis, "beta") == (0,) * 12
    nudged = np.zeros(105)
    inside = (1, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 1)
    nudged[path_edges(trellis, inside)] = 0.05  # the only thing learned
    assert decode_path(chances(trellis, logits=nudged), trellis, "beta") == (0,) * 12
    assert decode_path(chances(trellis, logits=nudged), trellis, "normalised") == inside


def test_uniform_betas_normalised_are_a_tie_that_changes_least():
    trellis = Trellis(6, 4)
    assert decode_path(chances(trellis, logits=np.zeros(len(trellis.edges))), trellis, "normalised") == (0,) * 6


def test_entropies():
    trellis = Trellis(3, 3)
    assert entropy_of_cell(np.full((5, 4), 0.25)) == pytest.approx(1)
    assert entropy_of_cell(np.eye(4)[[0, 1, 2, 3, 0]]) == pytest.approx(0)
    assert entropy_of_paths(chances(trellis, logits=np.zeros(len(trellis.edges))), trellis) == pytest.approx(1)
    assert entropy_of_paths([1.0, 1.0], Trellis(2, 1)) == 0
