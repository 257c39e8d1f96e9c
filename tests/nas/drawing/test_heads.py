"""Diagrams of reference heads: what stands in them, level by level."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from nas.drawing.heads import draw_reference_head
from nas.drawing.setting import Setting
from search_spaces import ReferenceHead, Unit
from search_spaces.units import UNITS, GraphConvolution, SymbolicReasoning

LEVELS = Setting((512, 512), (4, 8, 16, 32), channels=128)


def words(head: ReferenceHead, setting: Setting = LEVELS) -> list[str]:
    svg = draw_reference_head(head, setting).svg
    return [element.text or "" for element in fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_rates_are_those_of_the_stride():
    found = words(ReferenceHead(name="aspp", rates=(6, 12)), Setting((513, 513), (8,)))
    assert [word for word in found if word.startswith("rate")] == ["rate 6 = 12", "rate 12 = 24"]
    assert found.count("3×3 conv") == 2
    assert words(ReferenceHead(name="aspp_separable"), Setting()).count("3×3 sep") == 3


def test_bins():
    found = words(ReferenceHead(name="ppm", bins=(1, 4)), Setting())
    assert [word for word in found if "mean" in word and "×" in word] == ["1×1 mean", "4×4 means"]
    assert "F itself" in found


def test_a_width_of_its_own_has_precedence():
    assert "1×1 conv, BN, ReLU: 32 filters" in words(ReferenceHead(name="conv1x1", channels=32))
    assert "1×1 conv, BN, ReLU: 128 filters" in words(ReferenceHead(name="conv1x1"))


def test_the_linear_head_has_no_layer_but_batch_norm():
    found = words(ReferenceHead(name="linear"))
    assert "the last map, of stride 32; no other is read" in found
    assert "to stride 4" in found
    assert not any("conv" in word for word in found)
    assert "resize" not in words(ReferenceHead(name="linear"), Setting())


@pytest.mark.parametrize("unit", [*(unit() for unit in UNITS), GraphConvolution(assignment="dot"),
                                  SymbolicReasoning(graph="identity", mapping="drawn")])  # fmt: skip
def test_a_trunk_adds_the_units_input_to_what_it_gives(unit: Unit):
    head = ReferenceHead(name="trunk", width=64, unit=unit)
    drawing = draw_reference_head(head, LEVELS)
    assert ", whose input is added to what it gives: " in drawing.description
    assert drawing.description.count("3×3 conv, BN, ReLU: 64 filters") == 2
    assert drawing.svg.count('stroke-dasharray="4"') == 1


@pytest.mark.parametrize("strides", [(4, 8, 16, 32), (4, 16), (8, 16, 32)])
def test_pyramids_have_a_sum_for_each_level_but_the_coarsest(strides):
    for name in ("fpn", "upernet", "dpt"):
        svg = draw_reference_head(ReferenceHead(name=name), Setting((512, 512), strides)).svg
        assert svg.count("<circle") - (name != "dpt") == len(strides) - 1, name  # one dot where the coarsest forks


def test_semantic_fpn_doubles_each_level_to_the_finest():
    found = words(ReferenceHead(name="fpn"), Setting((512, 512), (4, 8, 32), channels=64))
    assert found.count("GN, ReLU") == 1
    assert found.count("GN, ReLU, ×2") == 2
    assert "3 times" in found
    assert found.count("to 128") == 3
    assert "64 channels at stride 4" in found


def test_maps_of_one_stride_are_reassembled():
    found = words(ReferenceHead(name="dpt"), Setting((518, 518), (14,) * 4))
    assert [word for word in found if word.startswith("enlarged")] == ["enlarged ×4", "enlarged ×2"]
    assert found.count("stride 2") == 1
    assert "map 4" in found
    assert not any(word.startswith("enlarged") for word in words(ReferenceHead(name="dpt")))


def test_a_head_of_levels_is_drawn_on_the_usual_ones_where_there_is_one():
    head = ReferenceHead(name="segformer")
    assert words(head, Setting()).count("stride") == 4
    assert words(head, Setting())[1:3] == ["feature maps of stride 4, 8, 16, 32", "C filters, those of the fidelity"]
