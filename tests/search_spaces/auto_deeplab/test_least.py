"""The cheapest network of a space, against a list of all networks and against random ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.auto_deeplab.architecture import Operator
from search_spaces.auto_deeplab.cost import NetworkSetting, network_cost
from search_spaces.auto_deeplab.least import FEWEST_MULTIPLY_ADDS, FEWEST_PARAMETERS, Networks, Price
from search_spaces.auto_deeplab.space import DECODABLE, networks, sample
from search_spaces.cost import Cost

OPERATORS: tuple[Operator, ...] = DECODABLE


def setting(filters: int = 4, crop: tuple[int, int] = (128, 256)) -> NetworkSetting:
    return NetworkSetting(
        filters=filters, stem_channels=8, aspp_channels=16, low_level_channels=8, decoder_channels=16, crop=crop
    )


def listed(space: Networks) -> list[Cost]:
    every = networks(space.blocks, space.layers, space.levels, space.operators)
    return [network_cost(network, space.setting) for network in every]


@st.composite
def small_spaces(draw) -> Networks:
    """Spaces of at most some thousand networks, of every set of operators; with 2 filters the narrowest are odd."""
    operators = draw(st.sets(st.sampled_from(OPERATORS), min_size=1, max_size=3))
    blocks = draw(st.sampled_from([1, 1, 2])) if len(operators) < 3 else 1
    filters, crop = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([(64, 64), (65, 97)]))
    layers = draw(st.integers(1, 4))
    levels = draw(st.integers(1, 4)) if blocks == 1 else draw(st.integers(1, 2))
    return Networks(layers, blocks, levels, tuple(sorted(operators, key=OPERATORS.index)), setting(filters, crop))


@settings(max_examples=40, deadline=None)
@given(small_spaces(), st.integers(0, 50), st.integers(0, 3))
def test_no_network_has_a_lower_price(space, parameter, multiply_add):
    costs = listed(space)
    for price in (FEWEST_PARAMETERS, FEWEST_MULTIPLY_ADDS, Price(parameter + 1, multiply_add)):
        assert price.of(space.least(price)) == min(map(price.of, costs))
        assert space.least(price) in costs


@settings(max_examples=40, deadline=None)
@given(small_spaces(), st.data())
def test_what_is_said_to_be_certain_is(space, data):
    """One bound is decided exactly; of two none is ever refused that some network keeps."""
    costs = listed(space)
    bounds = data.draw(st.sampled_from(costs))
    parameters = bounds.parameters + data.draw(st.integers(-300, 3))
    multiply_adds = bounds.multiply_adds + data.draw(st.integers(-50_000, 3))
    assert space.none_within(parameters, None) == all(cost.parameters > parameters for cost in costs)
    assert space.none_within(None, multiply_adds) == all(cost.multiply_adds > multiply_adds for cost in costs)
    if space.none_within(parameters, multiply_adds):
        assert not any(cost.parameters <= parameters and cost.multiply_adds <= multiply_adds for cost in costs)


def test_both_bounds_together_are_refused_where_each_alone_is_kept():
    """Without operators that cost nothing, fewer multiply-adds take more parameters: along coarse, wide layers."""
    space = Networks(6, 2, 4, ("sep_3x3", "atrous_5x5"), setting(crop=(129, 257)))
    small, quick = space.least(FEWEST_PARAMETERS), space.least(FEWEST_MULTIPLY_ADDS)
    assert small.parameters < quick.parameters
    assert small.multiply_adds > quick.multiply_adds
    assert not space.none_within(small.parameters, None)
    assert not space.none_within(None, quick.multiply_adds)
    assert space.none_within(small.parameters, quick.multiply_adds)
    assert not space.none_within(quick.parameters, quick.multiply_adds)
    assert not space.none_within(*small)


@pytest.mark.parametrize("operators", [OPERATORS, ("sep_5x5", "atrous_3x3"), ("skip", "sep_3x3")])
def test_in_the_paper_s_space_no_random_network_is_cheaper(operators):
    space = Networks(12, 5, 4, operators, setting(20, (321, 321)))
    rng = random.Random(0)
    costs = [network_cost(sample(5, 12, rng, 4, operators), space.setting) for _ in range(200)]
    for price in (FEWEST_PARAMETERS, FEWEST_MULTIPLY_ADDS, Price(1000, 1)):
        assert price.of(space.least(price)) <= min(map(price.of, costs))
    least = space.least(FEWEST_MULTIPLY_ADDS).multiply_adds
    assert space.none_within(None, least - 1)
    assert not space.none_within(None, least)
