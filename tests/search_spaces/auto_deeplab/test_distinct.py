import itertools
import random

import pytest

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.distinct import distinct, distinct_cells
from search_spaces.auto_deeplab.space import DECODABLE, networks, paths, sample


def test_counts_by_hand():
    """One block reads two states; with one operator it has 2 edges to choose from, and so 3 pairs.

    A second block reads three states: 6 pairs, 3 of which read the first block. Written with the first block before
    the second, the 3 pairs of the first go with these 3 in 9 cells, and two blocks that do not read each other are a
    multiset of 3 pairs: 6 cells.
    """
    assert distinct_cells(1, operators=1) == 3
    assert distinct_cells(2, operators=1) == 9 + 6
    # Seven operators: 14 edges, 105 pairs; 21 edges for the second, 231 pairs, 126 of which read the first block.
    assert distinct_cells(1) == 14 * 15 // 2 == 105
    assert distinct_cells(2) == 105 * 126 + 105 * 106 // 2


def test_a_tiny_trellis_by_hand():
    """Two layers on two levels: layer 0 at level 0 or 1, then either, so 4 paths; three layers on three levels: 12."""
    assert list(paths(2, 2)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert distinct(1, 2, levels=2, operators=1) == 3 * 4
    by_hand = "000 001 010 011 012 100 101 110 111 112 121 122"
    assert ["".join(map(str, path)) for path in paths(3, 3)] == by_hand.split()
    assert distinct(2, 3, levels=3) == distinct_cells(2) * 12


@pytest.mark.parametrize(("blocks", "operators"), [(1, 1), (1, 4), (2, 1), (2, 2), (3, 1)])
def test_counted_as_enumerated(blocks, operators):
    every = list(networks(blocks, 1, 1, DECODABLE[:operators]))
    assert len(set(every)) == len(every) == distinct_cells(blocks, operators)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "operators"), [(2, 4), (3, 2), (4, 1)])
def test_counted_as_enumerated_where_it_takes_long(blocks, operators):
    every = list(networks(blocks, 1, 1, DECODABLE[:operators]))
    assert len(every) == distinct_cells(blocks, operators)


def test_what_is_sampled_is_enumerated():
    every = set(networks(2, 2, 2, DECODABLE[:2]))
    rng = random.Random(0)
    assert len(every) == distinct(2, 2, levels=2, operators=2)
    assert all(sample(2, 2, rng, 2, DECODABLE[:2]) in every for _ in range(100))


def test_no_more_than_written_and_no_fewer_than_written_by_order():
    """A cell can be written in at most B! orders of its blocks and 2^B orders of their edges."""
    for blocks, operators in itertools.product((1, 2, 3, 5, 10), (1, 7)):
        written, orders = 1, 1
        for index in range(blocks):
            written *= ((index + 2) * operators) ** 2
            orders *= 2 * (index + 1)
        assert written / orders <= distinct_cells(blocks, operators) <= written


def test_networks_are_valid():
    for network in itertools.islice(networks(2, 3), 0, 2000, 97):
        assert AutoDeepLab.model_validate(network.model_dump()) == network
