"""The formulas of a cell's cost, and the channels of the backbones, against the networks that torch counts."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.models.backbones.base import Level
from nas.models.backbones.build import build_backbone
from nas.models.complexity import multiply_adds
from nas.models.networks import build_classifier_head
from nas.models.parameters import count_parameters
from nas.specs import BackboneSpec, HeadSpec
from nas.specs.channels import level_channels
from nas.specs.network import DecoderSpec
from nas.specs.trained_cost import decoder_cost, logits_cost
from search_spaces.cost import total
from search_spaces.dense_cell.cost import CellSetting, cell_cost, smallest_cell
from search_spaces.dense_cell.space import sample

CROPS = st.sampled_from([(64, 96), (65, 97), (128, 65), (96, 128)])


@pytest.mark.slow
@settings(max_examples=12)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 3), CROPS)
def test_the_formulas_are_what_torch_counts(seed, branches, maps, crop):
    rng = random.Random(seed)
    strides = (8, 16, 32)[:maps]
    levels = [Level(stride, rng.randint(1, 20)) for stride in strides]
    width, own = rng.randint(1, 9), rng.choice([(), (7,)])
    cell = sample(branches, rng, "plain", strides if maps > 1 else None, own)
    head = build_classifier_head(cell, levels, 5, HeadSpec(channels=width), crop)
    cost = cell_cost(cell, CellSetting(tuple(level.channels for level in levels), width, 8, crop))
    cells = -(-crop[0] // 8) * -(-crop[1] // 8)
    shapes = [(level.channels, -(-crop[0] // level.stride), -(-crop[1] // level.stride)) for level in levels]
    filters = cell.channels or width
    assert count_parameters(head) == cost.parameters + 5 * (filters + 1)
    assert multiply_adds(head, shapes) == cost.multiply_adds + cells * 5 * filters


@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize(
    "spec", [{"width": 0.35}, {"width": 1.4}, {"blocks": 8}, {"blocks": 12}, {"name": "resnet50"}], ids=str
)
def test_channels_are_those_of_the_network(spec, output_stride):
    for levels in (None, tuple(stride for stride in (4, 8, 16, 32) if stride <= output_stride)):
        backbone = BackboneSpec(**spec, output_stride=output_stride, levels=levels)
        try:
            with torch.device("meta"):
                built = tuple(level.channels for level in build_backbone(backbone).levels)
        except ValueError:
            with pytest.raises(ValueError, match="has no feature map of stride"):
                level_channels(backbone)
        else:
            assert level_channels(backbone) == built


def test_channels_of_other_networks_are_not_known():
    with pytest.raises(ValueError, match="the channels of timm:vit are known only when the network is built"):
        level_channels(BackboneSpec(name="timm:vit"))


@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("crop", [(64, 96), (65, 97)])
def test_decoder_and_logits_are_what_torch_counts(separable, crop):
    """The head that a trial trains behind a decoder, of the smallest cell: as `out_of_reach` counts it."""
    decoder = DecoderSpec(low_level_channels=3, channels=10, separable=separable)
    levels = [Level(4, 5), Level(8, 6), Level(16, 4)]
    cell = smallest_cell(3, (6, 4), 9, (8, 16))
    head = build_classifier_head(cell, levels, 7, HeadSpec(channels=9, decoder=decoder), crop)
    cells = -(-crop[0] // 4) * -(-crop[1] // 4)
    parts = [
        cell_cost(cell, CellSetting((6, 4), 9, 8, crop)),
        decoder_cost(decoder, 9, 5, cells),
        logits_cost(10, cells, 7),
    ]
    shapes = [(level.channels, -(-crop[0] // level.stride), -(-crop[1] // level.stride)) for level in levels]
    assert total(parts) == (count_parameters(head), multiply_adds(head, shapes))
