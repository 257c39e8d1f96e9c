"""The cost of a network by formula, against torch's count of the network that is built."""

import random

import pytest

from nas.models.auto_deeplab.network import build_auto_deeplab
from nas.models.complexity import multiply_adds
from nas.models.parameters import count_parameters
from nas.specs import NetworkSpec
from nas.specs.auto_deeplab_space import AutoDeepLabSpace
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB
from search_spaces.auto_deeplab.cost import network_cost
from search_spaces.auto_deeplab.space import sample
from tests.builders import scenes_fidelity

CLASSES = 7


@pytest.mark.parametrize("number", range(8))
def test_counted_as_torch_counts(number):
    """Logits, a biased 1x1 at stride 4, are all that is left out."""
    rng = random.Random(number)
    network = sample(rng.choice([1, 2, 3, 5]), rng.choice([1, 2, 3, 4, 6]), rng)
    widths = {"filters": rng.choice([3, 4, 8]), "stem_channels": 6, "aspp_channels": 10, "low_level_channels": 5}
    spec, crop = NetworkSpec(**widths, decoder_channels=12), rng.choice([(64, 128), (65, 97), (129, 65)])
    setting = AutoDeepLabSpace().setting(scenes_fidelity(10, crop=crop, network=spec, backbone={"output_stride": 8}))
    built = build_auto_deeplab(network, CLASSES, spec)
    cells = -(-crop[0] // 4) * -(-crop[1] // 4)
    cost = network_cost(network, setting)
    assert cost.parameters + CLASSES * (12 + 1) == count_parameters(built)
    assert cost.multiply_adds + CLASSES * 12 * cells == multiply_adds(built, [(3, *crop)])


def test_the_published_network_has_its_published_size():
    setting = AutoDeepLabSpace().setting(scenes_fidelity(10))
    assert network_cost(PUBLISHED_AUTO_DEEPLAB, setting).parameters + 19 * 257 == 10_147_427
