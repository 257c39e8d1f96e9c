"""Operators of the decoded cell, by hand."""

import pytest
import torch
from torch import nn

from nas.models.auto_deeplab.operators import Atrous, SeparableTwice, build_operator
from nas.models.parameters import count_parameters

SEARCHED = ["sep_3x3", "sep_5x5", "atrous_3x3", "atrous_5x5", "avg_pool_3x3", "max_pool_3x3", "skip"]


@pytest.mark.parametrize("operator", SEARCHED)
@pytest.mark.parametrize("size", [(7, 9), (8, 6)])
def test_shapes(operator, size):
    x = torch.randn(2, 4, *size)
    assert build_operator(operator, 4, stride=1, momentum=0.1)(x).shape == x.shape
    halved = build_operator(operator, 4, stride=2, momentum=0.1)(x)
    assert halved.shape == (2, 4, -(-size[0] // 2), -(-size[1] // 2))


@pytest.mark.parametrize("operator", SEARCHED)
def test_inputs_are_left_as_they_were(operator):
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    for stride in (1, 2):
        build_operator(operator, 4, stride=stride, momentum=0.1)(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("operator", "stride", "parameters"),
    [
        ("sep_3x3", 1, 2 * (9 * 4 + 16 + 8)),
        ("sep_5x5", 2, 2 * (25 * 4 + 16 + 8)),
        ("atrous_3x3", 1, 9 * 16 + 8),
        ("atrous_5x5", 2, 25 * 16 + 8),
        ("avg_pool_3x3", 2, 0),
        ("max_pool_3x3", 1, 0),
        ("skip", 1, 0),
        ("skip", 2, 16 + 8),
    ],
)
def test_parameters(operator, stride, parameters):
    assert count_parameters(build_operator(operator, 4, stride=stride, momentum=0.1)) == parameters


def test_no_batch_norm_between_depthwise_and_pointwise():
    kinds = [type(layer) for layer in SeparableTwice(4, 3, momentum=0.1)]
    assert kinds == 2 * [nn.ReLU, nn.Conv2d, nn.Conv2d, nn.BatchNorm2d]


def test_atrous_sees_two_cells_away_and_one_when_halving():
    for stride, rate in ((1, 2), (2, 1)):
        operator = Atrous(1, 3, stride=stride, momentum=0.1).eval()
        nn.init.ones_(operator.conv.weight)
        x = torch.zeros(1, 1, 17, 17)
        x[..., 8, 8] = 1
        with torch.no_grad():
            seen = (operator(x)[0, 0, 8 // stride] > 0.1).nonzero().flatten() - 8 // stride
        assert seen.tolist() == [-rate, 0, rate]


def test_the_mean_at_the_border_is_over_cells_inside():
    pool = build_operator("avg_pool_3x3", 1, stride=1, momentum=0.1)
    assert torch.equal(pool(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_initial_weights_are_uniform_up_to_one_over_root_fan_in():
    torch.manual_seed(0)
    operator = SeparableTwice(64, 5, momentum=0.1)
    for layer, bound in (("1", 1 / 5), ("2", 1 / 8)):
        assert float(operator.get_parameter(f"{layer}.weight").detach().abs().max()) == pytest.approx(bound, rel=0.02)
