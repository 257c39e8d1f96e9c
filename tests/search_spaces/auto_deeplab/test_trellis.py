"""The trellis by hand: which edges exist, what stands in for H^{l-2}."""

import itertools

import pytest

from search_spaces.auto_deeplab.space import count_paths
from search_spaces.auto_deeplab.trellis import Trellis, TrellisEdge, halved


def test_the_papers_trellis_has_105_betas():
    assert len(Trellis(12, 4).edges) == 105


def test_the_first_layers_edges_stand_in_order():
    # The stem leads to strides 4 and 8; layer 1 is the one whose index is easily confused.
    assert Trellis(3, 4).edges[:7] == (
        TrellisEdge(0, 0, 0),
        TrellisEdge(0, 0, 1),
        TrellisEdge(1, 0, 0),
        TrellisEdge(1, 0, 1),
        TrellisEdge(1, 1, 0),
        TrellisEdge(1, 1, 1),
        TrellisEdge(1, 1, 2),
    )


def test_groups_are_the_ways_on_from_one_node():
    trellis = Trellis(4, 4)
    for group in trellis.groups:
        edges = [trellis.edges[index] for index in group]
        assert len({(edge.layer, edge.source) for edge in edges}) == 1
        assert [edge.target for edge in edges] == list(trellis.outgoing(edges[0].source))
    assert sorted(itertools.chain(*trellis.groups)) == list(range(len(trellis.edges)))
    assert [len(group) for group in trellis.groups[-4:]] == [2, 3, 3, 2]


@pytest.mark.parametrize(
    ("layer", "level", "stands_in"),
    [(0, 0, -1), (0, 1, -1), (1, 0, 0), (1, 1, 0), (1, 2, 0), (2, 0, 0), (2, 2, 1), (2, 3, 1), (3, 3, 2), (4, 3, 3)],
)
def test_a_missing_size_is_replaced_by_the_nearest(layer, level, stands_in):
    assert Trellis(5, 4).before_previous(layer, level) == stands_in


@pytest.mark.parametrize(("layers", "levels"), [(1, 1), (1, 4), (3, 2), (4, 4), (6, 3)])
def test_all_paths_run_along_edges(layers, levels):
    trellis = Trellis(layers, levels)
    paths = [
        path
        for path in itertools.product(range(levels), repeat=layers)
        if path[0] <= 1 and all(abs(a - b) <= 1 for a, b in itertools.pairwise(path))
    ]
    assert len(paths) == count_paths(layers, levels)
    for path in paths:
        for layer, (source, target) in enumerate(itertools.pairwise((0, *path))):
            edge = TrellisEdge(layer, source, target)
            assert trellis.edges[trellis.position[edge]] == edge


def test_sides_are_rounded_up():
    assert [halved(321, times) for times in range(6)] == [321, 161, 81, 41, 21, 11]
