import collections
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Operator
from search_spaces.auto_deeplab.mutation import NETWORK_MUTATIONS, mix, mutate
from search_spaces.auto_deeplab.space import DECODABLE, paths, sample
from search_spaces.changes import MutationKind


def network(cell: list[list[tuple[int, str]]], *path: int) -> AutoDeepLab:
    blocks = [{"edges": [{"input": source, "operator": operator} for source, operator in pair]} for pair in cell]
    return AutoDeepLab.model_validate({"blocks": blocks, "path": path})


def mutants(parent: AutoDeepLab, *kinds: MutationKind, draws: int = 300, **space: object) -> set[AutoDeepLab]:
    rng = random.Random(0)
    found = (mutate(parent, rng, kinds, **space) for _ in range(draws))  # type: ignore[arg-type]
    return {mutant for mutant in found if mutant is not None}


PARENT = network([[(0, "skip"), (1, "sep_3x3")]], 0, 1, 2)


def test_every_change_of_a_kind_by_hand():
    two: tuple[Operator, ...] = ("sep_3x3", "skip")
    assert mutants(PARENT, "operator", operators=two) == {
        network([[(0, "sep_3x3"), (1, "sep_3x3")]], 0, 1, 2),
        network([[(0, "skip"), (1, "skip")]], 0, 1, 2),
    }
    assert mutants(PARENT, "input") == {
        network([[(1, "skip"), (1, "sep_3x3")]], 0, 1, 2),
        network([[(0, "skip"), (0, "sep_3x3")]], 0, 1, 2),
    }
    # Layer 0 may go to 1, layer 1 is between 0 and 2 and stays, layer 2 may go to 0 or 1.
    cell = [[(0, "skip"), (1, "sep_3x3")]]
    expected = {network(cell, 1, 1, 2), network(cell, 0, 1, 0), network(cell, 0, 1, 1)}
    assert mutants(PARENT, "path", levels=3) == expected


def test_layer_0_begins_at_stride_4_or_8_and_one_level_has_no_other_path():
    cell = [[(0, "skip"), (1, "sep_3x3")]]
    # Layer 0 cannot go to 2, where no path begins, nor to 0, two steps from layer 1's.
    assert mutants(network(cell, 1, 2), "path", levels=4) == {network(cell, 1, 0), network(cell, 1, 1)}
    assert mutants(network(cell, 0, 0), "path", levels=1) == set()
    assert mutate(network(cell, 0, 0), random.Random(0), ("path",), levels=1) is None
    assert mutants(PARENT, "level", "width", "neighbour") == set(), "kinds of cells"


def test_a_change_that_gives_the_same_network_is_none():
    """Of a block with the edges skip(0) and skip(1), the input changes give skip(0) twice or skip(1) twice alone."""
    parent = network([[(0, "skip"), (1, "skip")]], 0)
    assert mutants(parent, "input") == {
        network([[(0, "skip"), (0, "skip")]], 0),
        network([[(1, "skip"), (1, "skip")]], 0),
    }
    # Blocks a and b = (a, p), c = (a, p): where c reads b instead of a is new; b and c may be written either way.
    chain = network([[(0, "skip"), (0, "skip")], [(0, "skip"), (2, "skip")], [(0, "skip"), (2, "skip")]], 0)
    assert chain not in mutants(chain, "input")


@given(st.integers(0, 10**6), st.lists(st.sampled_from(NETWORK_MUTATIONS), min_size=1, unique=True))
def test_a_mutant_is_a_network_of_the_space_that_differs_in_one_choice(seed, kinds):
    rng = random.Random(seed)
    parent = sample(3, 5, rng, 3, DECODABLE[:4])
    mutant = mutate(parent, rng, kinds, DECODABLE[:4], 3)
    assert mutant is not None
    assert AutoDeepLab.model_validate(mutant.model_dump()) != parent
    edges = [
        (one, other)
        for first, second in zip(parent.blocks, mutant.blocks, strict=True)
        for one, other in zip(first.edges, second.edges, strict=True)
    ]
    inputs = sum(one.input != other.input for one, other in edges)
    operators = sum(one.operator != other.operator for one, other in edges)
    layers = sum(one != other for one, other in zip(parent.path, mutant.path, strict=True))
    changed = {"input": inputs, "operator": operators, "path": layers}
    assert sum(changed.values()) == 1
    assert sum(changed[kind] for kind in kinds) == 1
    assert max(mutant.path) < 3
    assert all(edge.operator in DECODABLE[:4] for block in mutant.blocks for edge in block.edges)


def test_every_path_is_reached_by_changes_of_one_layer():
    cell = [[(0, "skip"), (1, "sep_3x3")]]
    front: list[tuple[int, ...]] = [(0, 0, 0, 0)]
    reached = set(front)
    while front:
        found = {mutant.path for mutant in mutants(network(cell, *front.pop()), "path", draws=120)}
        front += found - reached
        reached |= found
    assert reached == set(paths(4))


def test_kinds_are_equally_likely():
    rng, found = random.Random(1), collections.Counter[str]()
    parent = PUBLISHED_AUTO_DEEPLAB
    for _ in range(600):
        mutant = mutate(parent, rng)
        assert mutant is not None
        if mutant.path != parent.path:
            found["path"] += 1
        else:
            pairs = itertools.chain.from_iterable(
                zip(a.edges, b.edges, strict=True) for a, b in zip(parent.blocks, mutant.blocks, strict=True)
            )
            found["input" if any(a.input != b.input for a, b in pairs) else "operator"] += 1
    assert len(found) == 3
    assert chisquare(list(found.values())).pvalue > 0.001


def test_a_child_has_each_block_of_one_parent_and_a_path_that_changes_over_once():
    one, other = sample(4, 6, random.Random(1)), sample(4, 6, random.Random(2))
    children = {mix(one, other, random.Random(seed)) for seed in range(200)}
    for child in children:
        pairs = zip(child.blocks, one.blocks, other.blocks, strict=True)
        assert all(block in (first, second) for block, first, second in pairs)
        assert any(child.path == one.path[:at] + other.path[at:] for at in range(7))
    assert {one.path, other.path} <= {child.path for child in children}


@pytest.mark.parametrize("layers", [1, 3])
def test_paths_too_far_apart_are_taken_whole(layers):
    cell = [[(0, "skip"), (1, "sep_3x3")]]
    one, other = network(cell, *(0,) * layers), network(cell, *(1,) * layers)
    assert {mix(one, other, random.Random(seed)).path for seed in range(60)} == {
        one.path[:at] + other.path[at:] for at in range(layers + 1)
    }
    low, high = network(cell, 0, 0, 0, 0), network(cell, 1, 2, 3, 3)
    found = {mix(low, high, random.Random(seed)).path for seed in range(60)}
    assert found == {low.path, high.path}
