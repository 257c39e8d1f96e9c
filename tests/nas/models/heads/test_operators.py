import pytest
import torch
from torch import nn

from nas.models.heads.operators import AtrousSeparable, PyramidPooling
from nas.models.layers.conv import ConvBNReLU
from search_spaces.dense_cell.geometry import pooling_kernel


@pytest.mark.parametrize(
    ("crop", "stride", "grid", "expected"),
    [
        (513, 16, 1, 33),
        (513, 16, 2, 17),
        (513, 16, 4, 9),
        (513, 16, 8, 5),
        (769, 16, 4, 13),
        (128, 8, 1, 16),
        (128, 8, 4, 4),
        (256, 8, 8, 4),
        (65, 16, 8, 1),
    ],
)
def test_pooling_kernel(crop, stride, grid, expected):
    assert pooling_kernel(crop, stride, grid) == expected


def test_conv_bn_relu_has_no_bias_and_the_papers_epsilon():
    layer = ConvBNReLU(3, 5, 3, 6, bn_momentum=0.01)
    assert [name for name, _ in layer.named_parameters()] == ["conv.weight", "bn.weight", "bn.bias"]
    assert (layer.bn.eps, layer.bn.momentum) == (1e-5, 0.01)
    assert layer(torch.randn(2, 3, 9, 7)).shape == (2, 5, 9, 7)


def test_separable_convolution_has_batch_norm_and_relu_between():
    layer = AtrousSeparable(4, 6, (3, 1)).eval()
    between = []
    layer.pointwise.register_forward_pre_hook(lambda _, inputs: between.append(inputs[0]))
    nn.init.constant_(layer.bn.bias, -0.5)
    layer(torch.randn(2, 4, 8, 8))
    assert between[0].min() == 0
    assert layer.pointwise.conv.weight.abs().max() <= 2 * 0.06
    assert layer.depthwise.weight.abs().max() <= 2 * 0.33


def test_pooling_gives_the_sliding_mean_back_at_full_size():
    """Identity projection: 5 cells with window 3 give 3 means, spread over 5 with the corners aligned."""
    layer = PyramidPooling(1, 1, (1, 3)).eval()
    with torch.no_grad():
        layer.project.conv.weight.fill_(1)
        layer.project.bn.get_buffer("running_var").fill_(1 - 1e-5)
    x = torch.tensor([[[[0.0, 3, 6, 9, 12]]]])
    torch.testing.assert_close(layer(x), torch.tensor([[[[3.0, 4.5, 6.0, 7.5, 9.0]]]]))


def test_a_window_beyond_the_map_is_a_global_mean():
    layer = PyramidPooling(2, 3, (9, 9)).eval()
    x = torch.randn(2, 2, 4, 20)
    y = layer(x)
    assert y.shape == (2, 3, 4, 20)
    torch.testing.assert_close(y, y[:, :, :1].expand_as(y))
    everything = PyramidPooling(2, 3, (4, 20)).eval()
    everything.load_state_dict(layer.state_dict())
    wide = PyramidPooling(2, 3, (50, 50)).eval()
    wide.load_state_dict(layer.state_dict())
    torch.testing.assert_close(wide(x), everything(x))
