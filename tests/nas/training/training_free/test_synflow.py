"""SynFlow: by hand, against a sum over all paths, and its conservation law."""

import copy
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas.models.backbones.base import Backbone, Level
from nas.models.layers.conv import build_logits
from nas.models.networks import HeadWithClassifier, SegmentationNetwork
from nas.training.backbone.extractor import StandardizedBackbone
from nas.training.training_free.synflow import synflow
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from tests.nas.models.one_map import build_head


def chain(*widths: int, seed=0):
    """Linear 1x1 layers without biases, ReLU between them."""
    torch.manual_seed(seed)
    layers = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 1, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class OneMap(Backbone):
    """A backbone whose only map is a network's output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.network(images),)


def test_by_hand():
    model = chain(1, 2, 1)
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))
        model[2].weight.copy_(torch.tensor([-3.0, 4.0]).reshape(1, 2, 1, 1))
    # R = 1 * 3 + 2 * 4 = 11 at every cell; both layers' terms add up to it.
    assert synflow(model, [(1, 1, 1)]) == pytest.approx(math.log(22))
    assert synflow(model, [(1, 2, 3)]) == pytest.approx(math.log(6 * 22))


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 1000))
def test_every_path_counts_once_for_each_of_its_layers(widths, seed):
    """Synaptic flow is conserved: each layer's terms add up to R, the sum over paths of the products of |weights|."""
    model = chain(*widths, seed=seed)
    matrices = [layer.weight.detach().double().abs()[:, :, 0, 0] for layer in model[::2]]
    paths = itertools.product(*(range(width) for width in widths))
    flow = sum(math.prod(float(m[b, a]) for m, a, b in zip(matrices, path, path[1:], strict=False)) for path in paths)
    assert synflow(model, [(widths[0], 1, 1)]) == pytest.approx(math.log(len(matrices) * flow))


@given(st.integers(0, 1000), st.floats(0.01, 100), st.sampled_from([0, 2, 4]))
def test_signs_do_not_matter_and_a_factor_on_a_layer_is_a_factor_on_the_flow(seed, factor, position):
    model = chain(3, 4, 2, 2, seed=seed)
    plain = synflow(model, [(3, 2, 2)])
    with torch.no_grad():
        model[position].weight.mul_(-factor)
    assert synflow(model, [(3, 2, 2)]) == pytest.approx(plain + math.log(factor), abs=1e-5)


def test_batch_norm_multiplies_by_its_weight_and_reads_no_statistics():
    model = chain(2, 3, 2)
    plain = synflow(model, [(2, 3, 3)])
    model.insert(1, nn.BatchNorm2d(3))
    assert synflow(model, [(2, 3, 3)]) == plain  # fresh: exactly the identity, without epsilon
    model[1].running_mean.fill_(7.0)
    model[1].running_var.fill_(0.1)
    assert synflow(model, [(2, 3, 3)]) == plain
    nn.init.constant_(model[1].weight, -4.0)
    assert synflow(model, [(2, 3, 3)]) == pytest.approx(plain + math.log(4))


def test_a_clipped_relu_is_not_clipped_and_features_are_not_centred():
    model = chain(2, 30, 2)
    with torch.no_grad():
        model[0].weight.fill_(50.0)
    plain = synflow(model, [(2, 1, 1)])
    model[1] = nn.ReLU6()
    assert synflow(model, [(2, 1, 1)]) == plain
    body = OneMap(chain(2, 3))
    body.levels = (Level(1, 3),)
    standard = StandardizedBackbone(body, torch.full((3,), 1e6), torch.full((3,), 0.25), frozen=False)
    whole = SegmentationNetwork(standard, nn.Identity(), nn.Identity())
    assert synflow(whole, [(2, 1, 1)]) == pytest.approx(synflow(body.network, [(2, 1, 1)]) + math.log(4), rel=1e-6)


def test_a_deep_wide_network_stays_finite_and_without_flow_it_is_minus_infinity():
    deep = chain(*[64] * 60)
    with torch.no_grad():
        for layer in deep[::2]:
            layer.weight.fill_(20.0)
    # 60 maps of 64 channels: R = 64 * (64 * 20)^59, beyond float32 by far
    assert synflow(deep, [(64, 1, 1)]) == pytest.approx(math.log(59 * 64) + 59 * math.log(64 * 20))
    cut = chain(2, 2, 2)
    nn.init.zeros_(cut[2].weight)
    assert synflow(cut, [(2, 1, 1)]) == -math.inf


def test_a_dense_cell_is_positive_everywhere_and_left_as_it_was():
    torch.manual_seed(0)
    head = build_head(PUBLISHED_CELL, 6, channels=8, output_stride=8, crop=(64, 64))
    model = HeadWithClassifier(head, build_logits(8, 5))
    before = copy.deepcopy(model.state_dict())
    value = synflow(model, [(6, 8, 8)])
    assert math.isfinite(value)
    assert value == synflow(model, [(6, 8, 8)])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.training
    assert all(parameter.dtype is torch.float32 and parameter.grad is None for parameter in model.parameters())


def test_group_norm_scales_and_shifts_without_statistics():
    first, norm, last = nn.Conv2d(1, 2, 1, bias=False), nn.GroupNorm(1, 2), nn.Conv2d(2, 1, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))
        norm.weight.copy_(torch.tensor([-3.0, 5.0]))
        last.weight.fill_(1.0)
    model = nn.Sequential(first, norm, last)
    # Each of the two layers with filters has R = 1 * 3 * 1 + 2 * 5 * 1 = 13.
    assert synflow(model, [(1, 1, 1)]) == pytest.approx(math.log(26))
    assert model[1] is norm
