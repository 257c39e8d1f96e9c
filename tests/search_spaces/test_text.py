import pytest

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.text import (
    SHORT_AUTO_DEEPLAB,
    SHORT_DENSE_CELL,
    architecture_text,
    cell_lines,
    short_legend,
    short_text,
)
from search_spaces.units import GloRe, GraphConvolution, SymbolicReasoning

NETWORK = AutoDeepLab(
    blocks=(
        Block(edges=(Edge(input=0, operator="skip"), Edge(input=1, operator="sep_3x3"))),
        Block(edges=(Edge(input=2, operator="atrous_5x5"), Edge(input=1, operator="skip"))),
    ),
    path=(0, 1, 2, 3),
)


@pytest.mark.parametrize(
    ("architecture", "text"),
    [
        (ReferenceHead(name="conv1x1"), "1x1"),
        (ReferenceHead(name="aspp"), "ASPP (6, 12, 18)"),
        (ReferenceHead(name="aspp_separable"), "separable ASPP (6, 12, 18)"),
        (ReferenceHead(name="linear"), "linear"),
        (ReferenceHead(name="linear_levels"), "linear over all levels"),
        (ReferenceHead(name="segformer", channels=64), "SegFormer MLP, width 64"),
        (ReferenceHead(name="fpn"), "semantic FPN"),
        (ReferenceHead(name="upernet", channels=16), "UPerNet (1, 2, 3, 6), width 16"),
        (ReferenceHead(name="dpt"), "DPT"),
        (ReferenceHead(name="trunk", channels=8, width=64), "trunk of 64, width 8"),
        (ReferenceHead(name="trunk", unit=GloRe()), "trunk + GloRe (m=64)"),
        (ReferenceHead(name="trunk", width=64), "trunk of 64"),
        (ReferenceHead(name="trunk", width=64, unit=GloRe(nodes=16)), "trunk of 64 + GloRe (m=16)"),
        (ReferenceHead(name="trunk", unit=GraphConvolution(assignment="dot")), "trunk + GCU (V=8, assignment dot)"),
        (
            ReferenceHead(name="trunk", unit=SymbolicReasoning(steps=1, graph="identity")),
            "trunk + SGR (steps=1, graph identity)",
        ),
        (DenseCell(branches=PUBLISHED_CELL.branches[:4]), "0:sep1x6(F)  1:sep18x15(0)  2:sep6x3(1)  3:sep1x1(0)"),
        (DenseCell(branches=PUBLISHED_CELL.canonical().branches), "published DPC"),
        (PUBLISHED_AUTO_DEEPLAB, "published Auto-DeepLab"),
        (PUBLISHED_AUTO_DEEPLAB.canonical(), "published Auto-DeepLab"),
    ],
)
def test_an_architecture_in_one_line(architecture, text):
    assert architecture_text(architecture) == text


def test_every_operator_of_a_cell_has_a_text_of_its_own():
    cell = DenseCell(branches=tuple(Branch(input=-1, operator=operator) for operator in EXTENDED_OPERATORS[81:]))
    assert architecture_text(cell) == (
        "0:attention32(F)  1:attention64(F)  2:glore32(F)  3:glore64(F)  4:gcu4(F)  5:gcu8(F)  6:gcu32(F)  "
        "7:sgr1(F)  8:sgr2(F)  9:context(F)  10:nonlocal(F)"
    )


def test_the_papers_operators_of_a_cell():
    operators = (Conv1x1(rate=(1, 1)), PyramidPooling(grid=(1, 8)), AtrousSeparable(rate=(3, 21)))
    branches = tuple(Branch(input=index - 1, operator=operator) for index, operator in enumerate(operators))
    assert architecture_text(DenseCell(branches=branches)) == "0:conv1x1(F)  1:pool1x8(0)  2:sep3x21(1)"


def test_an_auto_deeplab_is_its_strides_and_its_blocks():
    """Input 0 is the output of the previous layer, H[l-1], input 1 that of the layer before it, H[l-2]."""
    assert architecture_text(NETWORK) == ("4-8-16-32  0:skip(H[l-1])+sep_3x3(H[l-2])  1:atrous_5x5(0)+skip(H[l-2])")


def test_the_same_cell_but_another_path_is_not_the_published_network():
    other = AutoDeepLab(blocks=PUBLISHED_AUTO_DEEPLAB.blocks, path=(0,) * 12)
    assert architecture_text(other).startswith("4-4-4-4-4-4-4-4-4-4-4-4  0:atrous_5x5(H[l-2])+sep_3x3(H[l-1])  1:")
    blocks = PUBLISHED_AUTO_DEEPLAB.blocks[:4]
    assert architecture_text(AutoDeepLab(blocks=blocks, path=PUBLISHED_AUTO_DEEPLAB.path)).startswith("4-4-4-8-16-8")


def test_a_cell_in_several_lines():
    assert cell_lines(NETWORK) == (
        "block 0: skip(H[l-1]) + sep_3x3(H[l-2])",
        "block 1: atrous_5x5(block 0) + skip(H[l-2])",
    )


@pytest.mark.parametrize(
    ("architecture", "short", "legend"),
    [
        (DenseCell(branches=PUBLISHED_CELL.branches[:4]), "1x6 18x15<0 6x3<1 1x1<0", SHORT_DENSE_CELL),
        (
            DenseCell(
                channels=16,
                branches=(
                    Branch(input=-1, operator=Conv1x1()),
                    Branch(input=0, operator=PyramidPooling(grid=(4, 2))),
                    Branch(input=-1, operator=GloRe(nodes=32)),
                ),
            ),
            "w16 conv p4x2<0 glore32",
            SHORT_DENSE_CELL,
        ),
        (
            DenseCell(
                levels=(8, 16),
                branches=(
                    Branch(input=-1, operator=AtrousSeparable(rate=(6, 3))),
                    Branch(input=-2, operator=Conv1x1()),
                ),
            ),
            "6x3<F8 conv<F16",
            SHORT_DENSE_CELL,
        ),
        (NETWORK, "0123 skip<p+s3<pp a5<0+skip<pp", SHORT_AUTO_DEEPLAB),
        (PUBLISHED_AUTO_DEEPLAB, "published Auto-DeepLab", None),
        (ReferenceHead(name="aspp", channels=16), "ASPP (6, 12, 18), width 16", None),
    ],
)
def test_an_architecture_in_few_characters(architecture, short, legend):
    assert short_text(architecture) == short
    assert short_legend(architecture_text(architecture), short) == legend
