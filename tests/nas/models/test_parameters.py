import torch
from torch import nn

from nas.models.networks import build_network
from nas.models.parameters import count_parameters, parameter_groups
from nas.specs import BackboneSpec, HeadSpec
from search_spaces.dense_cell.architecture import PUBLISHED_CELL


def test_decay_by_hand():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 4, 1, groups=2),
        nn.Linear(2, 2),
    )
    decayed, free = parameter_groups(module, 4e-5)
    assert (decayed["weight_decay"], free["weight_decay"]) == (4e-5, 0.0)
    assert [id(p) for p in decayed["params"]] == [id(module[i].weight) for i in (0, 3, 4)]
    assert len(free["params"]) == 4 + 1 + 2  # four biases, the depthwise weight, batch norm's two


def test_a_whole_network_is_split_by_the_papers_rule():
    network = build_network(PUBLISHED_CELL, 19, backbone=BackboneSpec(width=0.25), head=HeadSpec(channels=8))
    decayed, free = parameter_groups(network, 1e-4)
    names = {id(p): name for name, p in network.named_parameters()}
    for parameter in decayed["params"]:
        assert parameter.dim() == 4
        assert parameter.shape[1] > 1 or parameter.shape[2] == 1, names[id(parameter)]
    without = [names[id(p)] for p in free["params"]]
    assert [name for name in without if name.startswith("head.branches.0.")] == [
        "head.branches.0.depthwise.weight",
        "head.branches.0.bn.weight",
        "head.branches.0.bn.bias",
        "head.branches.0.pointwise.bn.weight",
        "head.branches.0.pointwise.bn.bias",
    ]
    assert "classifier.bias" in without
    assert len(decayed["params"]) + len(without) == len(names)
    torch.optim.SGD([decayed, free], lr=0.1)


def test_frozen_parameters_are_neither_counted_nor_optimised():
    module = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 2, 1))
    module[0].requires_grad_(requires_grad=False)
    assert count_parameters(module) == 4
    assert sum(len(group["params"]) for group in parameter_groups(module, 0.1)) == 2
