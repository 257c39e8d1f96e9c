import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB
from search_spaces.auto_deeplab.formats import read_darts, read_tensorflow, write_darts, write_tensorflow
from search_spaces.auto_deeplab.space import sample
from search_spaces.document import read_architecture

PATH = [0, 0, 0, 1, 2, 1, 2, 2, 3, 3, 2, 1]
TENSORFLOW = {
    "operations": [
        "atrous_5x5",
        "separable_3x3_2",
        "separable_3x3_2",
        "atrous_3x3",
        "separable_3x3_2",
        "separable_3x3_2",
        "separable_5x5_2",
        "separable_5x5_2",
        "separable_5x5_2",
        "atrous_5x5",
    ],
    "hiddenstate_indices": [1, 0, 1, 0, 3, 1, 4, 2, 3, 5],
    "backbone": PATH,
}
DARTS = {
    "genotype": [[0, 7], [1, 4], [2, 4], [3, 6], [8, 4], [5, 4], [13, 5], [11, 5], [17, 5], [19, 7]],
    "path": PATH,
}


def test_the_published_network_in_both_forms():
    for read, write, form in ((read_tensorflow, write_tensorflow, TENSORFLOW), (read_darts, write_darts, DARTS)):
        network = read(form)
        assert network.model_dump() == PUBLISHED_AUTO_DEEPLAB.model_dump()
        assert write(network) == form


def test_the_shipped_file_is_the_published_network():
    shipped = Path(__file__).parents[3] / "examples" / "published" / "auto_deeplab.json"
    assert json.loads(shipped.read_text()) == TENSORFLOW
    assert read_architecture(shipped).architecture.model_dump() == PUBLISHED_AUTO_DEEPLAB.model_dump()


def test_a_mapping_of_either_form_is_recognised():
    for form in (TENSORFLOW, DARTS):
        document = read_architecture(form)
        assert (document.kind, document.architecture) == ("auto_deeplab", PUBLISHED_AUTO_DEEPLAB)


def test_edges_and_states_by_hand():
    # Block 0 has edges 0 (from s0 = H^{l-2}) and 1 (from s1 = H^{l-1}); block 1 has 2, 3 and 4 (from block 0).
    network = read_darts({"genotype": [[1, 1], [0, 2], [4, 3], [2, 7]], "path": [1]})
    assert [[(edge.input, edge.operator) for edge in block.edges] for block in network.blocks] == [
        [(0, "max_pool_3x3"), (1, "avg_pool_3x3")],
        [(2, "skip"), (1, "atrous_5x5")],
    ]


def test_tensorflows_none_is_the_skip():
    form = {"operations": ["none", "max_pool_3x3"], "hiddenstate_indices": [0, 1], "backbone": [0]}
    network = read_tensorflow(form)
    assert [edge.operator for edge in network.blocks[0].edges] == ["skip", "max_pool_3x3"]
    assert write_tensorflow(network) == form


def test_a_block_in_descending_order_keeps_each_operator_on_its_edge():
    form = {"genotype": [[1, 4], [0, 5], [4, 6], [2, 7]], "path": [0, 1]}
    turned = {"genotype": [[0, 5], [1, 4], [2, 7], [4, 6]], "path": [0, 1]}
    assert write_darts(read_darts(form)) == form
    assert write_darts(read_darts(turned)) == turned
    assert read_darts(form) == read_darts(turned)
    assert read_darts(form) != read_darts({"genotype": [[0, 4], [1, 5], [2, 6], [4, 7]], "path": [0, 1]})


@given(st.integers(1, 8), st.integers(1, 16), st.integers(0, 2**32))
def test_round_trips_are_exact(blocks, layers, seed):
    network = sample(blocks, layers, random.Random(seed))
    for read, write in ((read_tensorflow, write_tensorflow), (read_darts, write_darts)):
        form = json.loads(json.dumps(write(network)))
        assert read(form).model_dump() == network.model_dump()
        assert write(read(form)) == form


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**TENSORFLOW, "operations": ["skip"] * 10}, r"operations\[0\] is 'skip'; the known ones are separable_3x3_2"),
        ({**TENSORFLOW, "operations": [["none"]] * 10}, r"operations\[0\] is \['none'\]"),
        ({**TENSORFLOW, "backbone": None}, "backbone must be a list, not None"),
        ({**TENSORFLOW, "backbone": [0, 2]}, "layer 1 jumps from level 0 to 2"),
        ({**TENSORFLOW, "used_hiddenstates": []}, "'used_hiddenstates' is no field of this format"),
        ({**TENSORFLOW, "hiddenstate_indices": [0]}, "two entries a block, but have 10 and 1"),
        ({**TENSORFLOW, "hiddenstate_indices": [2] * 10}, "block 0 reads state 2"),
        ({**TENSORFLOW, "hiddenstate_indices": ["0"] * 10}, "blocks.0.edges.0.input: Input should be a valid integer"),
        ({"genotype": [[0, 4]], "path": [0]}, "genotype needs two entries a block, but has 1"),
        ({"genotype": [[0, 4], [2, 4]], "path": [0]}, r"genotype\[1\] is edge 2, but block 0 has the edges 0 to 1"),
        ({"genotype": [[0, 4], [1, 8]], "path": [0]}, r"genotype\[1\] has operator 8; they go from 0 to 7"),
        ({"genotype": [[0, 4], [1, -1]], "path": [0]}, r"genotype\[1\] has operator -1"),
        ({"genotype": [[0, 4], [1, 0]], "path": [0]}, "block 0 has an edge with operator none, which brings nothing"),
        ({"genotype": [[0, 4], [1, 4.0]], "path": [0]}, r"genotype\[1\] is \[1, 4.0\]; it must be \[edge, operator\]"),
        ({"genotype": [[0, 4], 3], "path": [0]}, r"genotype\[1\] is 3; it must be"),
        ({"genotype": "x", "path": [0]}, "genotype must be a list, not 'x'"),
        ({"genotype": []}, "path must be a list, not None"),
        ({"genotype": [], "path": [0]}, "a cell has 1 to 10 blocks, not 0"),
    ],
)
def test_a_wrong_form_is_refused_with_a_sentence(form, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_architecture(form)
    assert "\n" not in str(caught.value)
