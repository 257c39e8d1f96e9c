import pytest

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, PUBLISHED_CELL, Branch, DenseCell
from search_spaces.document import architecture_to_dict
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.text import describe, label
from search_spaces.units import GloRe, GraphConvolution, SymbolicReasoning


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (ReferenceHead(name="trunk", width=64), "trunk of 64"),
        (ReferenceHead(name="trunk", width=64, unit=GloRe(nodes=16)), "trunk of 64 + GloRe (m=16)"),
        (ReferenceHead(name="trunk", unit=GraphConvolution(assignment="dot")), "trunk + GCU (V=8, assignment dot)"),
        (
            ReferenceHead(name="trunk", unit=SymbolicReasoning(steps=1, graph="identity")),
            "trunk + SGR (steps=1, graph identity)",
        ),
        (DenseCell(branches=PUBLISHED_CELL.branches[:1]), "0:sep1x6(F)"),
        (DenseCell(branches=PUBLISHED_CELL.canonical().branches), "published DPC"),
        (PUBLISHED_AUTO_DEEPLAB, "published Auto-DeepLab"),
    ],
)
def test_labels(head, text):
    assert label(head) == text


def test_every_operator_of_a_cell_has_a_text_of_its_own():
    cell = DenseCell(branches=tuple(Branch(input=-1, operator=operator) for operator in EXTENDED_OPERATORS[81:]))
    assert describe(architecture_to_dict(cell)) == (
        "0:attention32(F)  1:attention64(F)  2:glore32(F)  3:glore64(F)  4:gcu4(F)  5:gcu8(F)  6:gcu32(F)  "
        "7:sgr1(F)  8:sgr2(F)  9:context(F)  10:nonlocal(F)"
    )


def test_heads_in_a_listing():
    assert describe(architecture_to_dict(ReferenceHead(name="aspp"))) == "aspp"
    assert describe(architecture_to_dict(ReferenceHead(name="trunk", unit=GloRe()))) == "trunk + GloRe (m=64)"


def test_what_a_newer_version_wrote_is_shown_by_its_name():
    assert describe({"kind": "of_the_future"}) == "of_the_future"
    assert describe({"kind": "reference_head", "name": "trunk", "unit": {"op": "new"}}) == "trunk + new"
    assert describe({"kind": "dense_cell", "branches": [{"input": 1, "operator": {"op": "new"}}]}) == "0:?(1)"


def test_an_auto_deeplab_is_its_strides_and_its_blocks():
    network = AutoDeepLab(
        blocks=(
            Block(edges=(Edge(input=0, operator="skip"), Edge(input=1, operator="sep_3x3"))),
            Block(edges=(Edge(input=2, operator="atrous_5x5"), Edge(input=1, operator="skip"))),
        ),
        path=(0, 1, 2, 3),
    )
    assert describe(architecture_to_dict(network)) == "4-8-16-32  0:skip(-2)+sep_3x3(-1)  1:atrous_5x5(0)+skip(-1)"
