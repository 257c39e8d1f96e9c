import pytest
import torch
from torch import nn

from nas.models.backbones.base import Level
from nas.models.backbones.resnet import ResNet
from nas.models.parameters import count_parameters


def torchvision_shapes(depths):
    """Names and shapes of its convolutions (batch norms follow them), without fc."""
    shapes, inner = {"conv1.weight": (64, 3, 7, 7)}, 64
    for stage, depth in enumerate(depths, start=1):
        width = 32 * 2**stage
        for block in range(depth):
            name = f"layer{stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (width, inner, 1, 1)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            shapes[f"{name}.conv3.weight"] = (4 * width, width, 1, 1)
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (4 * width, inner, 1, 1)
            inner = 4 * width
    return shapes


def batch_norm_of(conv):
    name = conv.removesuffix(".weight")
    return name[:-1] + "1" if name.endswith("downsample.0") else name.replace("conv", "bn")


@pytest.mark.parametrize(
    ("name", "depths", "total"), [("resnet50", (3, 4, 6, 3), 25_557_032), ("resnet101", (3, 4, 23, 3), 44_549_160)]
)
def test_names_shapes_and_count_are_torchvisions(name, depths, total):
    with torch.device("meta"):
        model = ResNet(name)
    expected = torchvision_shapes(depths)
    for conv, shape in list(expected.items()):
        statistics = ("weight", "bias", "running_mean", "running_var")
        expected |= {f"{batch_norm_of(conv)}.{part}": shape[:1] for part in statistics}
        expected[f"{batch_norm_of(conv)}.num_batches_tracked"] = ()
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == expected
    assert count_parameters(model) + 2048 * 1000 + 1000 == total


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_feature_sizes(stride):
    with torch.device("meta"):
        model = ResNet("resnet50", stride)
        for size in ((64, 96), (65, 97)):
            (y,) = model(torch.randn(2, 3, *size))
            assert y.shape == (2, 2048, -(-size[0] // stride), -(-size[1] // stride))
    assert model.levels == (Level(stride, 2048),)


def test_levels():
    with torch.device("meta"):
        model = ResNet("resnet50", 32, (4, 8, 16))
        maps = model(torch.randn(1, 3, 64, 96))
    assert model.levels == (Level(4, 256), Level(8, 512), Level(16, 1024))
    assert [tuple(level.shape) for level in maps] == [(1, 256, 16, 24), (1, 512, 8, 12), (1, 1024, 4, 6)]
    assert model.leaves_out("layer4.0.conv1.weight")
    assert not model.leaves_out("layer3.0.conv1.weight")


@pytest.mark.parametrize(
    ("stride", "layer3", "layer4"),
    [
        (32, [(2, 1)] + [(1, 1)] * 5, [(2, 1)] + [(1, 1)] * 2),
        (16, [(2, 1)] + [(1, 1)] * 5, [(1, 1)] + [(1, 2)] * 2),
        (8, [(1, 1)] + [(1, 2)] * 5, [(1, 2)] + [(1, 4)] * 2),
    ],
)
def test_strides_become_dilations(stride, layer3, layer4):
    """Stride and dilation of each 3x3: torchvision's replace_stride_with_dilation; v1.5 has the stride on the 3x3."""
    with torch.device("meta"):
        model = ResNet("resnet50", stride)
    for layer, expected in ((model.layer3, layer3), (model.layer4, layer4)):
        assert isinstance(layer, nn.Sequential)
        convolutions = [block.get_submodule("conv2") for block in layer]
        found = [(conv.stride[0], conv.dilation[0]) for conv in convolutions if isinstance(conv, nn.Conv2d)]
        assert found == expected
        assert all(block.get_submodule("conv1").stride == (1, 1) for block in layer)


def test_dilation_computes_what_the_strides_computed():
    """Every second cell of the stride-16 features is the stride-32 network's, with the same weights."""
    coarse, fine = ResNet("resnet50", 32).eval(), ResNet("resnet50", 16).eval()
    fine.load_state_dict(coarse.state_dict())
    x = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(fine(x)[0][:, :, ::2, ::2], coarse(x)[0], rtol=1e-3, atol=1e-3)
