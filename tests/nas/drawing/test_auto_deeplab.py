"""Paths on their trellis and cells: which lines there are, how wide they are, where they lead."""

from __future__ import annotations

import random

import pytest

from nas.drawing.cell import cell_panel
from nas.drawing.palette import PALETTE
from nas.drawing.trellis import WIDEST, trellis_panel
from search_spaces import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.space import sample
from search_spaces.auto_deeplab.trellis import Trellis
from tests.builders import uniform_beta

BLUE = PALETTE["convolution"].light


def edges(panel):
    """(colour, width) of each line of a trellis, in the order in which they are drawn."""
    return [(line.attrib["stroke"], float(line.attrib["stroke-width"])) for line in panel.shapes if line.tag == "line"]


def test_all_edges_of_the_trellis_and_the_path_on_top():
    path = PUBLISHED_AUTO_DEEPLAB.path
    drawn = edges(trellis_panel(path))
    assert len(drawn) == len(Trellis(12, 4).edges) == 105
    assert [colour == BLUE for colour, _ in drawn] == [False] * 93 + [True] * 12
    assert drawn[-1] == (BLUE, 3)


def test_lines_are_as_wide_as_their_edges_are_likely():
    trellis = Trellis(2, 2)
    assert trellis.groups == ((0, 1), (2, 3), (4, 5))
    drawn = edges(trellis_panel((0, 1), ((0.25, 0.75), (0.4, 0.6), (0.0, 1.0))))
    # The path takes edge 0, to level 0, and edge 3, to level 1; they are drawn last.
    wide = pytest.approx
    assert drawn == [
        (PALETTE["faint"].light, wide(0.75 * WIDEST)),
        (PALETTE["faint"].light, wide(0.4 * WIDEST)),
        (PALETTE["faint"].light, wide(0.25)),  # what is impossible is still seen
        (PALETTE["faint"].light, wide(1.0 * WIDEST)),
        (BLUE, wide(0.25 * WIDEST)),
        (BLUE, wide(0.6 * WIDEST)),
    ]


def test_the_trellis_has_the_levels_of_its_beta():
    strides = {f"stride {stride}" for stride in (4, 8, 16, 32)}
    for levels, count in ((2, 2), (3, 3), (4, 4)):
        shapes = trellis_panel((0, 0, 1, 1, 0), uniform_beta(5, levels)).shapes
        assert len(strides & {shape.text for shape in shapes}) == count
    with pytest.raises(ValueError, match="no trellis of 5 layers that has the path"):
        trellis_panel((0, 1, 2, 1, 0), uniform_beta(5, 2))


@pytest.mark.parametrize(
    ("path", "levels", "rows", "count"),
    [
        ((0, 1, 2, 1), 3, 3, 2 + 5 + 7 + 7),
        ((0, 1, 0, 1), 2, 2, 2 + 4 + 4 + 4),
        ((0, 0, 0), 1, 1, 3),
        ((0, 1, 2, 1), None, 4, 2 + 5 + 8 + 10),
        ((0,), 4, 2, 2),  # one layer goes one stride down at most
        ((0, 1, 2), 2, 3, 2 + 5 + 7),  # a path that is not of the space is drawn all the same
    ],
)
def test_the_trellis_is_that_of_the_space(path, levels, rows, count):
    """Edges by hand: from n nodes to n + 1 there are 3 n - 1, to as many 3 n - 2."""
    panel = trellis_panel(path, levels=levels)
    assert [shape.text for shape in panel.shapes if (shape.text or "").startswith("stride")] == [
        f"stride {stride}" for stride in (4, 8, 16, 32)[:rows]
    ]
    assert len(edges(panel)) == count


def test_each_edge_of_a_cell_says_what_it_reads():
    for seed in range(5):
        network = sample(5, 4, random.Random(seed))
        words = [shape.text or "" for shape in cell_panel(network.blocks).shapes if shape.tag == "text"]
        sources = [word for word in words if word.startswith("of ")]
        names = {0: "of H[l-1]", 1: "of H[l-2]"}
        assert sources == [
            names.get(edge.input, f"of block {edge.input - 2}") for block in network.blocks for edge in block.edges
        ]


def test_a_state_that_nothing_reads_has_no_line():
    block = Block(edges=(Edge(input=0, operator="skip"), Edge(input=0, operator="max_pool_3x3")))
    one, two = (
        [shape for shape in cell_panel((block,) * count).shapes if shape.tag == "circle" and shape.attrib["r"] == "2.4"]
        for count in (1, 2)
    )
    # A dot where a line goes on below: on the line of H[l-1] alone, at all readers but the last.
    assert (len(one), len(two)) == (1, 3)
    assert len({dot.attrib["cx"] for dot in two}) == 1


def test_numbers_of_blocks_are_those_of_the_document():
    network = AutoDeepLab(blocks=PUBLISHED_AUTO_DEEPLAB.blocks, path=(0, 1))
    badges = [
        shape.text
        for shape in cell_panel(network.blocks).shapes
        if shape.tag == "text" and (shape.text or "").isdigit()
    ]
    assert badges == ["0", "1", "2", "3", "4"]
