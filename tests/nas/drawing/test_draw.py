"""Every drawing: a document that is safe, complete, the same each time, and within its own borders."""

from __future__ import annotations

import random
import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

import nas
from nas.drawing.draw import draw
from nas.drawing.palette import STYLESHEET
from nas.drawing.typesetting import text_width
from nas.specs import BackboneSpec, Fidelity, HeadSpec
from search_spaces import (
    MULTI_LEVEL_HEADS,
    PUBLISHED_AUTO_DEEPLAB,
    PUBLISHED_CELL,
    REFERENCE_HEADS,
    ReferenceHead,
    write_document,
)
from search_spaces.auto_deeplab.space import sample as sample_network
from search_spaces.dense_cell.space import sample as sample_cell
from search_spaces.document import Architecture
from tests.builders import uniform_beta

SVG = "{http://www.w3.org/2000/svg}"
DOCS = Path(__file__).parents[3] / "docs"
PICTURES = runpy.run_path(str(DOCS / "draw_architectures.py"))["PICTURES"]

HEADS = (
    *(head for head in REFERENCE_HEADS if isinstance(head, ReferenceHead)),
    *MULTI_LEVEL_HEADS,
    ReferenceHead(name="linear"),
    ReferenceHead(name="aspp_separable", channels=32),
)
CELLS = (
    *(sample_cell(5, random.Random(seed), "extended") for seed in range(12)),
    *(sample_cell(1 + seed, random.Random(seed), "extended", (4, 8, 16), (64,)) for seed in range(8)),
)
NETWORKS = tuple(sample_network(1 + seed % 10, 1 + 7 * seed, random.Random(seed)) for seed in range(10))
EVERY: tuple[Architecture, ...] = (PUBLISHED_CELL, PUBLISHED_AUTO_DEEPLAB, *HEADS, *CELLS, *NETWORKS)

SMALL = Fidelity(
    dataset="scenes",
    backbone=BackboneSpec(name="mobilenet_v2", output_stride=8),
    head=HeadSpec(channels=32, rate_multiplier=1),
    crop=(128, 256),
    rungs=(10,),
)


def name(architecture: Architecture) -> str:
    return f"{architecture.kind}-{architecture.key[:6]}"


@pytest.mark.parametrize("architecture", EVERY, ids=name)
def test_every_text_and_shape_is_inside(architecture):
    for fidelity in (None, SMALL):
        root = fromstring(draw(architecture, fidelity=fidelity).svg)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
        for left, top, right, bottom, what in boxes(root, 0.0, 0.0):
            assert left >= 0, what
            assert top >= 0, what
            assert right <= width, what
            assert bottom <= height, what


def boxes(element: Element, x: float, y: float):
    """Left, top, right and bottom of all shapes and texts below an element, and what each is."""
    for child in element:
        kind, get = child.tag.removeprefix(SVG), child.attrib.get
        if kind == "g":
            moved = re.fullmatch(r"translate\((\S+) (\S+)\)", get("transform", "translate(0 0)"))
            assert moved is not None
            yield from boxes(child, x + float(moved[1]), y + float(moved[2]))
        elif kind == "rect":
            left, top = x + float(child.attrib["x"]), y + float(child.attrib["y"])
            yield left, top, left + float(child.attrib["width"]), top + float(child.attrib["height"]), child.attrib
        elif kind == "circle":
            cx, cy, r = (float(child.attrib[field]) for field in ("cx", "cy", "r"))
            yield x + cx - r, y + cy - r, x + cx + r, y + cy + r, child.attrib
        elif kind in ("path", "line"):
            ends = [child.attrib[field] for field in ("x1", "y1", "x2", "y2")] if kind == "line" else []
            numbers = [float(number) for number in (ends or re.findall(r"-?[\d.]+", child.attrib["d"]))]
            across, down = numbers[::2], numbers[1::2]
            yield x + min(across), y + min(down), x + max(across), y + max(down), child.attrib
        elif kind == "text" and "transform" not in child.attrib:
            size, left = float(child.attrib["font-size"]), x + float(child.attrib["x"])
            long = text_width(child.text or "", size, "font-weight" in child.attrib)
            left -= {"start": 0.0, "middle": long / 2, "end": long}[get("text-anchor", "start")]
            yield left, y + float(child.attrib["y"]) - size, left + long, y + float(child.attrib["y"]), child.text


@pytest.mark.parametrize("architecture", EVERY, ids=name)
def test_no_text_covers_another(architecture):
    root = fromstring(draw(architecture).svg)
    texts = [(box[:4], box[4]) for box in boxes(root, 0.0, 0.0) if isinstance(box[4], str)]
    for index, ((left, top, right, bottom), text) in enumerate(texts):
        for (other_left, other_top, other_right, other_bottom), other in texts[:index]:
            apart = left >= other_right or right <= other_left or top >= other_bottom - 2 or bottom - 2 <= other_top
            assert apart, (text, other)


@pytest.mark.parametrize("architecture", EVERY, ids=name)
def test_the_same_bytes_each_time_and_nothing_from_elsewhere(architecture):
    drawing = draw(architecture)
    assert drawing == draw(architecture)
    assert drawing.svg.isascii()
    root = fromstring(drawing.svg)
    assert [child.tag.removeprefix(SVG) for child in root][:3] == ["title", "desc", "style"]
    assert (root[0].text, root[1].text, root[2].text) == (drawing.title, drawing.description, STYLESHEET)
    used = {child.tag.removeprefix(SVG) for child in root.iter()}
    assert used <= {"svg", "title", "desc", "style", "g", "rect", "circle", "line", "path", "text"}
    fields = {field for child in root.iter() for field in child.attrib}
    assert not {field for field in fields if field.startswith("on") or "href" in field or field in ("style", "id")}
    assert "url(" not in drawing.svg
    assert "@import" not in drawing.svg


def test_different_architectures_have_different_drawings():
    svgs = {draw(architecture).svg for architecture in EVERY}
    assert len(svgs) == len({architecture.key for architecture in EVERY})


def test_a_document_is_drawn_on_the_fidelity_it_was_searched_at(tmp_path):
    document = write_document(PUBLISHED_CELL)
    document["provenance"] = {"fidelity": SMALL.model_dump(mode="json")}
    drawing = draw(document)
    assert "16&#215;32 cells (crop 128&#215;256 at stride 8)" in drawing.svg
    assert "32 filters each" in drawing.svg
    assert drawing == draw(PUBLISHED_CELL, fidelity=SMALL)
    assert draw(PUBLISHED_CELL, fidelity=SMALL) != draw(PUBLISHED_CELL)
    drawing.save(tmp_path / "cell.svg")
    assert (tmp_path / "cell.svg").read_text("ascii") == drawing.svg == drawing._repr_svg_()


def test_it_is_a_function_of_the_package():
    assert nas.draw is draw
    assert "draw" in dir(nas)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (5, {}, "nas.draw takes an architecture .*, not int"),
        (PUBLISHED_CELL, {"beta": uniform_beta(5)}, "beta belongs to auto_deeplab, and this is a dense_cell"),
        (PUBLISHED_AUTO_DEEPLAB, {"beta": uniform_beta(5)}, "probabilities for 14 nodes.*no trellis of 12 layers"),
        (PUBLISHED_AUTO_DEEPLAB, {"beta": uniform_beta(12, 3)}, "no trellis of 12 layers that has the path"),
        ({"dataset": "scenes"}, {}, "a search or a fidelity"),
    ],
)
def test_what_cannot_be_drawn_is_refused(source: Any, options: Any, message):
    with pytest.raises(ValueError, match=message):
        draw(source, **options)


@pytest.mark.parametrize("file", PICTURES)
def test_the_pictures_of_the_documentation_are_those_of_this_version(file):
    """`python docs/draw_architectures.py` makes them anew."""
    assert (DOCS / "images" / file).read_text("ascii") == draw(PICTURES[file]).svg
    assert f"(../images/{file})" in (DOCS / "concepts" / "drawings.md").read_text()
