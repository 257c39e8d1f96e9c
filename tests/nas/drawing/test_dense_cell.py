"""Cells to scale: where dots, windows and outlines lie, and what is said of each branch."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, fromstring

import pytest

from nas.drawing.dense_cell import draw_dense_cell
from nas.drawing.footprint import SIDE, View
from nas.drawing.palette import PALETTE
from nas.drawing.reach import Reach, Span
from nas.drawing.setting import Setting
from search_spaces import PUBLISHED_CELL, AtrousSeparable, Branch, Conv1x1, DenseCell, GloRe, PyramidPooling

BLUE = PALETTE["convolution"].light


def numbers(element: Element, *fields: str) -> list[float]:
    return [float(element.attrib[field]) for field in fields]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_taps_lie_at_the_rate_and_are_rings_outside_the_map():
    view = View.around((33, 33), [(6, 21)])
    assert view == View((33, 33), (0, 5))  # 21 columns from the 17th of 33 are 5 beyond the last
    assert view.cell == pytest.approx(SIDE / 43)
    taps = view.taps((6, 21), "convolution")
    centre = SIDE / 2
    found = {(round((x - centre) / view.cell), round((y - centre) / view.cell)): tap
             for tap in taps for x, y in [numbers(tap, "cx", "cy")]}  # fmt: skip
    assert set(found) == {(across, down) for across in (-21, 0, 21) for down in (-6, 0, 6)}
    for (across, _), tap in found.items():
        assert (tap.attrib["fill"] == BLUE) == (across == 0)
    assert view.contains((16, 16))
    assert not view.contains((17, 1))


def test_an_even_map_has_its_centre_below_the_middle():
    view = View((16, 32))
    assert view.cell == SIDE / 32
    x, y = view.centre
    assert (x / view.cell, (y - SIDE / 4) / view.cell) == (16.5, 8.5)
    assert view.contains((7, 15))
    assert not view.contains((8, 15))


def test_windows_and_outlines_are_to_scale():
    view = View((33, 33))
    (window,) = view.window((17, 5), "pooling")
    left, top, width, height = (value / view.cell for value in numbers(window, "x", "y", "width", "height"))
    assert (left, top, width, height) == pytest.approx((14, 8, 5, 17), abs=0.01)
    (outline,) = view.reach(Reach(Span(3, 29), Span(0, 32)))
    left, top, width, height = (value / view.cell for value in numbers(outline, "x", "y", "width", "height"))
    assert (left, top, width, height) == pytest.approx((0, 3, 33, 27), abs=0.01)
    grid = view.grid((2, 4), "pooling")
    rows = [numbers(element, "y1")[0] for element in grid if element.attrib.get("y1") == element.attrib.get("y2", "")]
    assert rows == [pytest.approx(SIDE / 2)]
    assert len(grid) == 1 + 1 + 3


def test_the_published_cell():
    drawing = draw_dense_cell(PUBLISHED_CELL, Setting(channels=256))
    assert drawing.title == "Published DPC cell"
    assert drawing.description.startswith(
        "Branch 0: 3×3 sep, rate 1×6, reads F, reaches 3×13 cells. Branch 1: 3×3 sep, rate 18×15, reads branch 0, "
    )
    assert drawing.description.endswith("All branches are concatenated; then 1×1 conv, BN, ReLU: 256 filters.")
    assert drawing.svg.count("<circle") == 5 * 9 + 5  # taps, numbers
    dashed = re.findall('stroke-dasharray="2.5"', drawing.svg)
    assert len(dashed) == 4


def test_operators_in_words():
    cell = DenseCell(
        branches=(
            Branch(input=-1, operator=AtrousSeparable(rate=(6, 21))),
            Branch(input=-1, operator=PyramidPooling(grid=(2, 4))),
            Branch(input=1, operator=GloRe(nodes=32)),
            Branch(input=-1, operator=Conv1x1()),
        )
    )
    found = texts(draw_dense_cell(cell, Setting((513, 513), (8,))).svg)
    for words in ("rate 6×21 = 12×42", "grid 2×4, window 33×17", "GloRe", "m=32", "1×1 conv", "reads branch 1"):
        assert words in found
    assert found.count("reaches the whole map") == 1
    assert found.count("reads F") == 3


def test_levels_have_rows_of_their_own():
    cell = DenseCell(branches=(Branch(input=-2, operator=Conv1x1()),), levels=(4, 8, 16), channels=32)
    drawing = draw_dense_cell(cell, Setting((65, 129), (4, 8, 16), channels=256))
    found = texts(drawing.svg)
    assert found[found.index("stride 8") + 1] == "resized to stride 4"
    assert found[found.index("stride 4") + 1] == found[found.index("stride 16") + 1] == "not read"
    assert "1 branch, 32 filters each" in found
    assert "feature map of 17×33 cells (crop 65×129 at stride 4)" in found
    joined = DenseCell(branches=(Branch(input=-1, operator=Conv1x1()),))
    assert "maps of strides 4, 8, concatenated" in texts(draw_dense_cell(joined, Setting((65, 65), (4, 8))).svg)
