import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.strategies.network_similarity import network_similarity
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge, Operator
from search_spaces.auto_deeplab.space import sample


def network(*blocks: tuple[tuple[int, Operator], tuple[int, Operator]], path: tuple[int, ...] = (0, 0)) -> AutoDeepLab:
    edges = [[Edge(input=at, operator=operator) for at, operator in block] for block in blocks]
    return AutoDeepLab(blocks=tuple(Block(edges=(one, other)) for one, other in edges), path=path)


def alike(one: AutoDeepLab, other: AutoDeepLab) -> float:
    return float(network_similarity([one], [other])[0, 0])


def slow(one: AutoDeepLab, other: AutoDeepLab) -> float:
    """The definition, pair by pair."""

    def overlap(a: AutoDeepLab, b: AutoDeepLab) -> float:
        mine, its = ([edge for block in each.blocks for edge in block.edges] for each in (a, b))
        return sum(
            math.exp(-(x.operator != y.operator) - (min(x.input, 2) != min(y.input, 2)) / 2) for x in mine for y in its
        )

    steps = [abs(a - b) for a, b in zip(one.path, other.path, strict=True)]
    cells = overlap(one, other) / math.sqrt(overlap(one, one) * overlap(other, other))
    return cells * math.exp(-sum(steps) / len(steps))


def test_by_hand():
    skips = network(((0, "skip"), (0, "skip")))
    assert alike(skips, network(((0, "sep_3x3"), (0, "sep_3x3")))) == pytest.approx(math.exp(-1))
    assert alike(skips, network(((1, "skip"), (1, "skip")))) == pytest.approx(math.exp(-1 / 2))
    assert alike(skips, network(((0, "skip"), (0, "skip")), path=(0, 1))) == pytest.approx(math.exp(-1 / 2))
    # One edge of two is another operator: overlaps 2 + 2 e^-1, 4, and 2 + 2 e^-1.
    half = network(((0, "skip"), (0, "sep_3x3")))
    assert alike(skips, half) == pytest.approx((2 + 2 / math.e) / math.sqrt(4 * (2 + 2 / math.e)))


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(2, 6))
def test_as_the_definition_says(seed, blocks, layers):
    rng = random.Random(seed)
    networks = [sample(blocks, layers, rng) for _ in range(4)]
    found = network_similarity(networks, networks)
    assert found == pytest.approx(np.array([[slow(one, other) for other in networks] for one in networks]))
    assert np.diag(found) == pytest.approx(1)
    assert np.linalg.eigvalsh(found).min() > -1e-9


def test_the_order_of_blocks_and_edges_does_not_matter():
    one = network(((0, "skip"), (1, "sep_3x3")), ((0, "atrous_3x3"), (0, "skip")), path=(1, 2))
    other = network(((0, "skip"), (0, "atrous_3x3")), ((1, "sep_3x3"), (0, "skip")), path=(1, 2))
    assert one == other
    assert alike(one, other) == pytest.approx(1)
