import collections
import itertools
import random

import pytest
from scipy.stats import chisquare

from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.space import DECODABLE, count_cells, count_paths, sample, sample_cell, sample_path


def all_paths(layers: int, levels: int, start=(0, 1)) -> list[tuple[int, ...]]:
    return [
        path
        for path in itertools.product(range(levels), repeat=layers)
        if path[0] in start and all(abs(a - b) <= 1 for a, b in itertools.pairwise(path))
    ]


def test_the_papers_counts():
    assert count_cells(5) == 556_627_761_561_600
    assert count_paths(12) == 75_025
    assert count_paths(12, start=(0,)) == 28_657


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_paths_are_counted_as_brute_force_does(layers, levels):
    assert count_paths(layers, levels) == len(all_paths(layers, levels))
    assert count_paths(layers, levels, start=(0,)) == len(all_paths(layers, levels, start=(0,)))


def test_cells_are_counted_as_brute_force_does():
    edges = [list(itertools.product(range(states), range(3))) for states in (2, 3)]
    assert count_cells(1, operators=3) == len(edges[0]) ** 2
    assert count_cells(2, operators=3) == len(list(itertools.product(edges[0], edges[0], edges[1], edges[1])))


@pytest.mark.slow
def test_paths_are_sampled_uniformly():
    rng = random.Random(4)
    expected = all_paths(6, 4)
    found = collections.Counter(sample_path(6, rng) for _ in range(100 * len(expected)))
    assert set(found) == set(expected)
    assert chisquare(list(found.values())).pvalue > 0.001


def test_a_walk_that_does_not_look_ahead_would_not_be_uniform():
    rng = random.Random(4)
    found: collections.Counter[tuple[int, ...]] = collections.Counter()
    for _ in range(100 * len(all_paths(6, 4))):
        path = [rng.randrange(2)]
        while len(path) < 6:
            path.append(rng.choice([level for level in range(4) if abs(level - path[-1]) <= 1]))
        found[tuple(path)] += 1
    assert chisquare(list(found.values())).pvalue < 1e-9


@pytest.mark.parametrize("levels", [1, 2])
def test_a_smaller_trellis_is_sampled_too(levels):
    rng = random.Random(0)
    assert {sample_path(3, rng, levels) for _ in range(200)} == set(all_paths(3, levels))


@pytest.mark.slow
def test_cells_are_sampled_uniformly_without_the_zero():
    rng = random.Random(5)
    draws = [sample_cell(2, rng) for _ in range(20_000)]
    for block, states in ((0, 2), (1, 3)):
        edges = collections.Counter(
            tuple((edge.input, DECODABLE.index(edge.operator)) for edge in cell[block].edges) for cell in draws
        )
        assert len(edges) == (states * 7) ** 2
        assert chisquare(list(edges.values())).pvalue > 0.001


def test_what_is_sampled_is_valid():
    rng = random.Random(6)
    for _ in range(50):
        network = sample(5, 12, rng)
        assert AutoDeepLab.model_validate(network.model_dump()) == network
        assert (len(network.blocks), len(network.path)) == (5, 12)
    assert sample_cell(1, random.Random(0)) == sample_cell(1, random.Random(0))
    assert isinstance(network.blocks[0], Block)
    assert isinstance(network.blocks[0].edges[0], Edge)
