"""Bounds that no architecture of a space keeps, with all that a trial trains: known before a search is stored."""

from __future__ import annotations

import random

import pytest

from nas.kinds.registry import kind_of
from nas.specs import AutoDeepLabSpace, BlackBoxSpec, DenseCellSpace
from nas.specs.trained_cost import logits_cost
from nas.strategies.networks import NetworkSpace
from search_spaces.auto_deeplab.cost import network_cost
from search_spaces.dense_cell.cost import cell_cost
from search_spaces.dense_cell.space import sample
from tests.builders import black_box_spec, scenes_fidelity

NARROW = {"filters": 4, "stem_channels": 8, "aspp_channels": 16, "low_level_channels": 8, "decoder_channels": 16}
NETWORKS = scenes_fidelity(10, crop=(128, 256), network=NARROW)
CELLS = scenes_fidelity(100, backbone={"name": "mobilenet_v2", "width": 0.35}, head={"channels": 16})
CLASSES = 7


def problems(spec: BlackBoxSpec, classes: int = CLASSES) -> dict[str, str]:
    return {problem.path: problem.message for problem in kind_of(spec).infeasible(spec, classes)}


def test_of_networks_the_fewest_multiply_adds_are_the_bound():
    space = AutoDeepLabSpace(layers=2, levels=2, blocks=1)
    logits = logits_cost(16, 32 * 64, CLASSES)
    assert logits == (CLASSES * 17, CLASSES * 16 * 32 * 64)
    every = [network_cost(one, space.setting(NETWORKS)) for one in NetworkSpace(space).all()]
    quickest = min(every, key=lambda cost: cost.multiply_adds)
    least = quickest.multiply_adds + logits.multiply_adds
    assert space.out_of_reach(None, least, NETWORKS, CLASSES) is None
    message = space.out_of_reach(None, least - 1, NETWORKS, CLASSES)
    assert message is not None
    of_quickest = f"{quickest.parameters + logits.parameters:,} and {least:,}"
    assert f"the one with the fewest multiply-adds {of_quickest}; raise the limit" in message
    fewest = min(cost.parameters for cost in every) + logits.parameters
    assert space.out_of_reach(fewest, None, NETWORKS, CLASSES) is None
    assert space.out_of_reach(fewest - 1, None, NETWORKS, CLASSES) is not None


def test_a_limit_and_constraints_are_named():
    space = {"kind": "auto_deeplab", "layers": 3, "blocks": 2, "levels": 3}
    free = black_box_spec(space=space, fidelity=NETWORKS)
    assert problems(free) == {}
    limited = black_box_spec(space={**space, "limit": {"multiply_adds": 1000}}, fidelity=NETWORKS)
    assert list(problems(limited)) == ["space.limit"]
    constrained = black_box_spec(space=space, fidelity=NETWORKS, constraints={"multiply_adds": {"max": 1000}})
    assert list(problems(constrained)) == ["constraints"]
    assert "no network of 3 layers and 2 blocks costs so little" in problems(constrained)["constraints"]
    assert BlackBoxSpec.model_validate(constrained.model_dump(mode="json")) == constrained, "what is stored is read"


def test_of_cells_the_logits_count():
    """Within the constraint without its logits, and beyond it with them: every trial would be refused by its worker."""
    space = DenseCellSpace()
    setting = space.setting(CELLS)
    smallest, known = space._least_trained(CELLS, CLASSES)
    assert known
    spec = black_box_spec(fidelity=CELLS, constraints={"parameters": {"max": smallest.parameters - 1}})
    assert f"the smallest has {smallest.parameters:,} parameters and" in problems(spec)["constraints"]
    assert problems(spec, classes=1) == {}, "with one class its logits are smaller"
    kept = {"parameters": {"max": smallest.parameters}, "multiply_adds": {"max": smallest.multiply_adds}}
    assert problems(black_box_spec(fidelity=CELLS, constraints=kept)) == {}
    logits = logits_cost(16, setting.size[0] * setting.size[1], CLASSES)
    costs = [cell_cost(sample(5, random.Random(number)), setting) for number in range(200)]
    assert all(cost.parameters + logits.parameters >= smallest.parameters for cost in costs)
    assert all(cost.multiply_adds + logits.multiply_adds >= smallest.multiply_adds for cost in costs)


@pytest.mark.parametrize(
    "spec",
    [
        black_box_spec(space=DenseCellSpace(operators="extended"), fidelity=CELLS),
        black_box_spec(fidelity=scenes_fidelity(100, backbone={"name": "timm:resnet18"}, head={"channels": 16})),
    ],
    ids=["extended", "timm"],
)
def test_where_cells_cannot_be_counted_there_is_a_lower_bound(spec):
    """The convolution behind five branches of 16 filters alone has 5 * 16 * 16 weights."""
    allowed = spec.model_copy(update={"constraints": spec.constraints.model_validate({"parameters": {"max": 2_000}})})
    assert problems(allowed) == {}
    refused = spec.model_copy(update={"constraints": spec.constraints.model_validate({"parameters": {"max": 1_280}})})
    assert "with its logits the smallest has at least 1," in problems(refused)["constraints"]


def test_widths_and_a_decoder_count():
    levels = {"backbone": {"name": "mobilenet_v2", "levels": [4, 8, 16]}, "head": {"channels": 32, "decoder": {}}}
    fidelity = scenes_fidelity(100, crop=(128, 256), **levels)
    narrow, wide = (DenseCellSpace(levels=(8, 16), channels=widths) for widths in ((8, 64), (64,)))
    small, _ = narrow._least_trained(fidelity, CLASSES)
    large, _ = wide._least_trained(fidelity, CLASSES)
    assert small.parameters < large.parameters
    message = wide.out_of_reach(small.parameters, None, fidelity, CLASSES)
    assert message is not None
    assert "with its logits and decoder the smallest has" in message
    assert narrow.out_of_reach(small.parameters, small.multiply_adds, fidelity, CLASSES) is None
