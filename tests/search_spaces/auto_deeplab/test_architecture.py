import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search_spaces.auto_deeplab.architecture import (
    MAX_BLOCKS,
    MAX_LAYERS,
    OPERATORS,
    PUBLISHED_AUTO_DEEPLAB,
    AutoDeepLab,
    Block,
    Edge,
    Operator,
)
from search_spaces.document import architecture_from_dict, architecture_to_dict, read_architecture, write_document

FEW: tuple[Operator, ...] = ("sep_3x3", "skip")


def network(*blocks: Any, path=(0,)) -> AutoDeepLab:
    """Blocks as ((state, operator), (state, operator))."""
    return AutoDeepLab(
        blocks=tuple(Block(edges=(Edge(input=a, operator=p), Edge(input=b, operator=q))) for (a, p), (b, q) in blocks),
        path=path,
    )


def raw(blocks, path=(0,)) -> dict[str, Any]:
    return {
        "blocks": [{"edges": [{"input": i, "operator": op} for i, op in edges]} for edges in blocks],
        "path": list(path),
    }


@st.composite
def networks(draw: st.DrawFn, operators=FEW, most=5) -> AutoDeepLab:
    count = draw(st.integers(1, most))
    edge = [st.tuples(st.integers(0, i + 1), st.sampled_from(operators)) for i in range(count)]
    return network(*(draw(st.tuples(edge[i], edge[i])) for i in range(count)))


def reorder(original: AutoDeepLab, order, turned=()) -> AutoDeepLab | None:
    """The blocks as `order` lists them, edges of those in `turned` swapped; None where one would read a later block."""
    place = {0: 0, 1: 1} | {old + 2: new + 2 for new, old in enumerate(order)}
    blocks = []
    for new, old in enumerate(order):
        edges = [(place[edge.input], edge.operator) for edge in original.blocks[old].edges]
        if any(source >= new + 2 for source, _ in edges):
            return None
        blocks.append(edges[::-1] if old in turned else edges)
    return network(*blocks, path=original.path)


def test_the_published_network_is_the_papers():
    assert PUBLISHED_AUTO_DEEPLAB.strides == (4, 4, 4, 8, 16, 8, 16, 16, 32, 32, 16, 8)
    assert [[edge.input for edge in block.edges] for block in PUBLISHED_AUTO_DEEPLAB.blocks] == [
        [1, 0],
        [1, 0],
        [3, 1],
        [4, 2],
        [3, 5],
    ]
    assert PUBLISHED_AUTO_DEEPLAB.key == "8d7147f14219957aca18923423a6486ea60b23d3fa21b6a94bcf5c713fb98c36"


def test_the_order_of_operators_is_frozen():
    # Keys of stored networks hang on it.
    assert OPERATORS == (
        "sep_3x3",
        "sep_5x5",
        "atrous_3x3",
        "atrous_5x5",
        "avg_pool_3x3",
        "max_pool_3x3",
        "skip",
        "none",
    )


A = (0, "skip")
PAIR = (A, A)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (raw([(A, (2, "skip"))]), r"block 0 reads state 2, but it can only read 0 \(the previous cell\), 1 \(the one"),
        (raw([PAIR, PAIR, (A, (4, "skip"))]), r"block 2 reads state 4, .* or an earlier block \(2 to 3\)"),
        (raw([(A, (1, "none"))]), "block 0 has an edge with operator none, which brings nothing"),
        (raw([(A, (1, "conv"))]), "'sep_3x3', 'sep_5x5'"),
        (raw([(A, (-1, "skip"))]), "greater than or equal to 0"),
        (raw([(A, (True, "skip"))]), "valid integer"),
        (raw([(A,)]), "Field required"),
        (raw([]), f"a cell has 1 to {MAX_BLOCKS} blocks, not 0"),
        (raw([PAIR] * (MAX_BLOCKS + 1)), f"a cell has 1 to {MAX_BLOCKS} blocks, not {MAX_BLOCKS + 1}"),
        (raw([PAIR], path=[]), f"a path has 1 to {MAX_LAYERS} layers, not 0"),
        (raw([PAIR], path=[0] * (MAX_LAYERS + 1)), f"a path has 1 to {MAX_LAYERS} layers, not {MAX_LAYERS + 1}"),
        (raw([PAIR], path=[2]), "layer 0 is at level 2, but a path starts at level 0 or 1"),
        (raw([PAIR], path=[0, 1, 3]), "layer 2 jumps from level 1 to 3"),
        (
            raw([PAIR], path=[1, 2, 3, 4]),
            r"layer 3 is at level 4, but levels go from 0 \(stride 4\) to 3 \(stride 32\)",
        ),
    ],
)
def test_a_wrong_network_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ValidationError, match=sentence):
        AutoDeepLab.model_validate(data)


@given(st.data())
def test_every_valid_order_is_the_same_network(data):
    original = data.draw(networks())
    order: list[int] = []
    while len(order) < len(original.blocks):
        ready = [
            i
            for i, block in enumerate(original.blocks)
            if i not in order and all(edge.input < 2 or edge.input - 2 in order for edge in block.edges)
        ]
        order.append(data.draw(st.sampled_from(ready)))
    other = reorder(original, order, data.draw(st.sets(st.sampled_from(order))))
    assert other is not None
    assert other == original
    assert hash(other) == hash(original)
    assert other.canonical().blocks == original.canonical().blocks


def least_by_brute_force(original: AutoDeepLab) -> str:
    """The least text of all orders of blocks, the edges of each sorted."""
    texts = []
    for order in itertools.permutations(range(len(original.blocks))):
        other = reorder(original, order)
        if other is not None:
            texts.append(str([sorted((edge.input, edge.operator) for edge in block.edges) for block in other.blocks]))
    return min(texts)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_keys_tell_networks_apart_exactly_as_brute_force_does(count):
    """All cells of one and two blocks over two operators, and 1,500 random ones of three."""
    edges = [list(itertools.product(range(i + 2), FEW)) for i in range(count)]
    everything = list(itertools.product(*(itertools.product(e, e) for e in edges)))
    chosen = everything if count < 3 else random.Random(0).sample(everything, 1500)
    classes = {(least_by_brute_force(cell), cell.key) for cell in (network(*blocks) for blocks in chosen)}
    assert len(classes) < len(chosen)
    assert len(classes) == len({least for least, _ in classes}) == len({key for _, key in classes})


@given(networks())
def test_the_canonical_form_is_final(original):
    canonical = original.canonical()
    assert canonical == original
    assert canonical.canonical().blocks == canonical.blocks


def test_twins_that_are_read_apart_are_followed_up():
    twin, a, b = ((0, "skip"), (1, "skip")), "sep_3x3", "sep_5x5"
    one = network(twin, twin, ((2, a), (2, a)), ((3, b), (3, b)))
    assert one == network(twin, twin, ((3, a), (3, a)), ((2, b), (2, b)))
    assert one != network(twin, twin, ((2, a), (2, a)), ((2, b), (2, b)))


def test_ten_alike_blocks_take_no_time():
    assert len(network(*[PAIR] * MAX_BLOCKS).canonical().blocks) == MAX_BLOCKS


def test_the_path_is_part_of_what_a_network_is():
    assert network(PAIR, path=(0, 1)) != network(PAIR, path=(1, 1))
    assert PUBLISHED_AUTO_DEEPLAB.model_dump() != PUBLISHED_AUTO_DEEPLAB


def test_documents_round_trip():
    written = write_document(PUBLISHED_AUTO_DEEPLAB)
    assert written["kind"] == "auto_deeplab"
    read = read_architecture(written).architecture
    assert read.model_dump() == PUBLISHED_AUTO_DEEPLAB.model_dump()
    assert architecture_from_dict(architecture_to_dict(read)) == PUBLISHED_AUTO_DEEPLAB
