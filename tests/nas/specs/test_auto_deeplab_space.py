"""Auto-DeepLab's space as a black-box search describes it: what belongs to it, what is refused, in a sentence."""

from __future__ import annotations

import json
import random

import pytest

from nas.specs import AutoDeepLabSpace, BlackBoxRequest, BlackBoxSpec, DenseCellSpace, NetworkLimit
from nas.specs.start import starting_architecture
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab
from search_spaces.auto_deeplab.cost import network_cost
from search_spaces.auto_deeplab.space import sample
from search_spaces.document import write_document
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.validation import InputError, validate
from tests.builders import black_box_spec, dense_cell, scenes_fidelity

SMALL = {"kind": "auto_deeplab", "layers": 3, "blocks": 2, "levels": 3}
NARROW = {"filters": 4, "stem_channels": 8, "aspp_channels": 16, "low_level_channels": 8, "decoder_channels": 16}
FIDELITY = scenes_fidelity(10, 30, crop=(128, 256), network=NARROW)


def network(number: int, blocks: int = 2, layers: int = 3, levels: int = 3) -> AutoDeepLab:
    return sample(blocks, layers, random.Random(number), levels)


def problem(model: type[BlackBoxSpec] = BlackBoxSpec, **changes: object) -> str:
    given = {"name": "networks", "space": SMALL, "fidelity": FIDELITY.model_dump(mode="json"), **changes}
    with pytest.raises(InputError) as error:
        validate(model, given)
    return str(error.value)


def test_it_comes_back_and_cells_stay_what_they_were():
    spec = black_box_spec(space=SMALL, fidelity=FIDELITY)
    written = spec.model_dump(mode="json")
    operators = ["sep_3x3", "sep_5x5", "atrous_3x3", "atrous_5x5", "avg_pool_3x3", "max_pool_3x3", "skip"]
    assert written["space"] == {**SMALL, "operators": operators}
    assert BlackBoxSpec.model_validate(written) == spec
    assert isinstance(spec.space, AutoDeepLabSpace)
    assert isinstance(black_box_spec(space={"branches": 3}).space, DenseCellSpace), "cells where no kind is named"
    assert BlackBoxSpec.model_validate(black_box_spec().model_dump(mode="json")).space == DenseCellSpace()
    two = AutoDeepLabSpace(operators=("skip", "sep_3x3"))
    assert two == AutoDeepLabSpace(operators=("sep_3x3", "skip")), "a set, whatever its order"


@pytest.mark.parametrize("model", [BlackBoxSpec, BlackBoxRequest])
def test_mistakes_are_said_in_a_sentence(model):
    for changes, words in (
        ({"space": {"kind": "networks"}}, "space.kind: 'networks' is not known here; use one of 'dense_cell', 'auto"),
        ({"space": {**SMALL, "branches": 5}}, "space.branches: unknown field; "),
        (
            {"space": {**SMALL, "filters": 8}},
            "a space has no filters: fidelity.network says how",
        ),
        ({"space": {**SMALL, "operators": ["skip", "none"]}}, "operators of networks are all but none"),
        ({"space": {**SMALL, "operators": ["skip", "skip"]}}, "operators must differ from each other"),
        (
            {"space": {**SMALL, "levels": 4}, "fidelity": {**FIDELITY.model_dump(mode="json"), "crop": [112, 112]}},
            "fidelity.crop is [112, 112], and paths of the space go down to stride 32: each side must be a multiple",
        ),
        (
            {"strategy": {"name": "evolution", "mutations": ["neighbour"]}},
            "strategy.mutations names neighbour, but a network has other kinds of change: operator, input, path",
        ),
        (
            {"strategy": {"name": "dpc", "mutations": ["path"]}, "space": {"branches": 3}},
            "strategy.mutations names path, but cells have no path",
        ),
        (
            {"strategy": {"name": "dpc", "mutations": ["path"]}, "space": {**SMALL, "levels": 1}},
            "names path, but all networks of the space stay at stride 4",
        ),
        (
            {"strategy": {"name": "dpc", "mutations": ["operator"]}, "space": {**SMALL, "operators": ["skip"]}},
            "names operator, but the space has one operator",
        ),
        ({"confirm": {"references": ["aspp"]}}, "entire networks are not compared with heads: leave them out"),
        ({"constraints": {"parameters": {"max": 100}}}, "no network of 3 layers and 2 blocks is within constraints: "),
        ({"space": {**SMALL, "limit": {"parameters": 100}}}, "is within space.limit: the smallest has "),
    ):
        assert words in problem(model, **changes), words


def test_what_it_starts_from():
    first = network(1)
    document = json.loads(json.dumps(write_document(network(2))))
    given = black_box_spec(space=SMALL, fidelity=FIDELITY).model_dump(mode="json")
    spec = BlackBoxSpec.model_validate({**given, "start": [first.model_dump(), document]})
    assert spec.start == (first, network(2))
    assert BlackBoxSpec.model_validate(spec.model_dump(mode="json")) == spec
    paper = black_box_spec(space={"kind": "auto_deeplab"}, start=("published", "s0123456789ab"))
    assert starting_architecture("published", paper.space, paper.fidelity) == PUBLISHED_AUTO_DEEPLAB
    for start, words in (
        ("published", "start.0: the network's cell has 5 blocks, and space.blocks is 2"),
        ("aspp_separable", "start.0: aspp_separable is a cell, and the space has entire networks: use published"),
        (network(0, layers=4).model_dump(), "start.0: the network has 4 layers, and space.layers is 3"),
        (dense_cell(0).model_dump(), "is no network of Auto-DeepLab's space, and space.kind is auto_deeplab"),
    ):
        assert words in problem(start=[start]), words
    assert "is no cell, and space.kind is dense_cell" in problem(start=[first.model_dump()], space={"branches": 5})


def test_what_belongs_to_it():
    space = AutoDeepLabSpace.model_validate({**SMALL, "levels": 2, "operators": ["sep_3x3", "skip"]})
    inside = sample(2, 3, random.Random(0), 2, ("sep_3x3", "skip"))
    space.check_architecture(inside)
    deep = AutoDeepLab(blocks=inside.blocks, path=(1, 2, 1))
    with pytest.raises(ValueError, match=r"goes down to stride 16, and with space\.levels 2 networks go down to 8"):
        space.check_architecture(deep)
    other = AutoDeepLab(blocks=PUBLISHED_AUTO_DEEPLAB.blocks[:2], path=(0, 0, 0))
    with pytest.raises(ValueError, match=r"the operator atrous_5x5, which space\.operators does not name"):
        space.check_architecture(other)
    with pytest.raises(ValueError, match=r"is no network of Auto-DeepLab's space"):
        space.check_architecture(ReferenceHead(name="aspp"))


def test_the_smallest_network_of_the_sentence_is_the_smallest():
    """The sentence's number is the least of all networks of a space that can be listed."""
    from nas.strategies.networks import NetworkSpace

    space = AutoDeepLabSpace(layers=2, levels=2, blocks=1)
    least = min(network_cost(one, space.setting(FIDELITY)).parameters for one in NetworkSpace(space).all())
    limited = space.model_copy(update={"limit": NetworkLimit(parameters=least)})
    limited.check_limit("fidelity", FIDELITY)
    with pytest.raises(ValueError, match=f"the smallest has {least} parameters"):
        space.model_copy(update={"limit": NetworkLimit(parameters=least - 1)}).check_limit("fidelity", FIDELITY)


def test_constraints_are_counted_before_a_network_is_proposed():
    """The tighter of limit and constraint counts, for each number by itself."""
    spec = black_box_spec(
        space={**SMALL, "limit": {"parameters": 20_000}},
        fidelity=FIDELITY,
        constraints={"parameters": {"max": 60_000}, "multiply_adds": {"max": 28_000_000}},
    )
    bounded = spec.space_at(FIDELITY)
    assert isinstance(bounded, AutoDeepLabSpace)
    assert bounded.limit is not None
    assert (bounded.limit.parameters, bounded.limit.multiply_adds) == (20_000, 28_000_000)
    for number in range(20):
        cost = network_cost(network(number), bounded.setting(FIDELITY))
        within = cost.parameters <= 20_000 and cost.multiply_adds <= 28_000_000
        assert bounded.admits(network(number), FIDELITY) is within
    assert black_box_spec(space=SMALL, fidelity=FIDELITY).space_at(FIDELITY).limited is False
