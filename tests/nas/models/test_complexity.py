import torch
from torch import nn

from nas.models.backbones.resnet import ResNet
from nas.models.complexity import multiply_adds
from nas.models.layers.depthwise import DepthwiseAtrous
from nas.models.layers.resampling import bin_means, resize


def test_small_layers_by_hand():
    assert multiply_adds(nn.Conv2d(3, 5, 3, padding=1), [(3, 4, 6)]) == 24 * 5 * 3 * 9
    assert multiply_adds(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), [(4, 4, 6)]) == 6 * 8 * 2 * 9
    assert multiply_adds(DepthwiseAtrous(7, (3, 6)), [(7, 4, 6)]) == 24 * 7 * 9
    assert multiply_adds(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)), [(3, 4, 6)]) == 6
    assert multiply_adds(nn.BatchNorm2d(3), [(3, 4, 6)]) == 0


def test_a_layer_used_twice_counts_twice():
    layer = nn.Conv2d(2, 2, 1)
    assert multiply_adds(nn.Sequential(layer, layer), [(2, 3, 3)]) == 2 * 9 * 4


def test_products_of_matrices_count_and_resizing_by_such_does_not():
    class Product(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return resize(x, (6, 8)) @ bin_means(x, (4, 8)).mT

    assert multiply_adds(Product(), [(2, 3, 5)]) == 2 * 6 * 8 * 4


def test_resnet50_has_its_well_known_four_billion():
    """4.09 billion at 224x224 with its classifier of 2 million (v1.5)."""
    assert round((multiply_adds(ResNet("resnet50"), [(3, 224, 224)]) + 2_048_000) / 1e7) == 409


def test_the_module_is_left_as_it_was():
    module = nn.Conv2d(1, 1, 1).train()
    multiply_adds(module, [(1, 2, 2)])
    assert module.training
    assert module.weight.device.type == "cpu"
    assert not module._forward_hooks


def test_batch_norms_and_activations_count_nothing_wherever_they_stand():
    block = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU6(inplace=True))
    shared = nn.ReLU(inplace=True)
    model = nn.Sequential(block, shared, nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), shared, block)
    assert multiply_adds(model, [(2, 6, 7)]) == 4 * 5 * 3 * 18 + 4 * 5 * 2 * 3 + 2 * 3 * 3 * 18
    assert isinstance(model[3], nn.BatchNorm2d)
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())
