import pytest
import torch

from nas.models.backbones.base import Level
from nas.models.backbones.build import receptive_field
from nas.models.backbones.mobilenet_v2 import MobileNetV2
from nas.models.parameters import count_parameters
from nas.specs import BackboneSpec
from nas.specs.channels import scaled_channels

# in, expanded and out channels of torchvision's features.1 to features.17, read off its published checkpoint.
STAGES = [
    (32, 32, 16), (16, 96, 24), (24, 144, 24), (24, 144, 32), (32, 192, 32), (32, 192, 32), (32, 192, 64),
    (64, 384, 64), (64, 384, 64), (64, 384, 64), (64, 384, 96), (96, 576, 96), (96, 576, 96), (96, 576, 160),
    (160, 960, 160), (160, 960, 160), (160, 960, 320),
]  # fmt: skip


def norm(prefix, channels):
    statistics = ("weight", "bias", "running_mean", "running_var")
    return {f"{prefix}.{name}": (channels,) for name in statistics} | {f"{prefix}.num_batches_tracked": ()}


def torchvision_state():
    """Names and shapes of its mobilenet_v2 without features.18 and classifier."""
    state = {"features.0.0.weight": (32, 3, 3, 3)} | norm("features.0.1", 32)
    for index, (inner, hidden, outer) in enumerate(STAGES, start=1):
        conv = f"features.{index}.conv"
        if index == 1:
            state |= {f"{conv}.0.0.weight": (hidden, 1, 3, 3)} | norm(f"{conv}.0.1", hidden)
            state |= {f"{conv}.1.weight": (outer, hidden, 1, 1)} | norm(f"{conv}.2", outer)
            continue
        state |= {f"{conv}.0.0.weight": (hidden, inner, 1, 1)} | norm(f"{conv}.0.1", hidden)
        state |= {f"{conv}.1.0.weight": (hidden, 1, 3, 3)} | norm(f"{conv}.1.1", hidden)
        state |= {f"{conv}.2.weight": (outer, hidden, 1, 1)} | norm(f"{conv}.3", outer)
    return state


def test_names_and_shapes_are_torchvisions():
    state = {name: tuple(tensor.shape) for name, tensor in MobileNetV2().state_dict().items()}
    assert list(state.items()) == list(torchvision_state().items())


def test_parameters_are_those_of_the_public_model():
    """3,504,872 with features.18 (1x1 to 1280) and a classifier of 1000 classes."""
    assert count_parameters(MobileNetV2()) + 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000 == 3_504_872


@pytest.mark.parametrize(
    ("channels", "width", "expected"), [(32, 1, 32), (32, 0.35, 16), (16, 0.35, 8), (24, 0.5, 16), (24, 0.35, 8)]
)
def test_scaled_channels(channels, width, expected):
    """24 * 0.5 = 12 would round to 8, less than 90 % of it, so it is 16; 11.2 and 8.4 lie within."""
    assert scaled_channels(channels, width) == expected


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("size", [(64, 96), (65, 97)])
def test_feature_sizes(stride, size):
    model = MobileNetV2(0.25, stride).eval()
    (y,) = model(torch.randn(1, 3, *size))
    assert y.shape == (1, 80, -(-size[0] // stride), -(-size[1] // stride))
    assert model.levels == (Level(stride, 80),)


def test_levels_are_the_last_maps_of_their_strides():
    whole = MobileNetV2(1.0, 32).eval()
    model = MobileNetV2(1.0, 32, strides=(4, 8, 16)).eval()
    assert model.levels == (Level(4, 24), Level(8, 32), Level(16, 96))
    kept = {key: value for key, value in whole.state_dict().items() if not model.leaves_out(key)}
    model.load_state_dict(kept)  # stages after stride 16 are not built
    x = images = torch.randn(1, 3, 64, 96)
    maps = model(images)
    assert [tuple(level.shape) for level in maps] == [(1, 24, 16, 24), (1, 32, 8, 12), (1, 96, 4, 6)]
    last_of = {}
    for stage in whole.features:
        x = stage(x)
        last_of[64 // x.shape[2]] = x
    for stride, level in zip((4, 8, 16), maps, strict=True):
        torch.testing.assert_close(level, last_of[stride])


def test_a_level_that_is_not_reached_is_refused():
    with pytest.raises(ValueError, match=r"mobilenet_v2 has no feature map of stride 32; .* strides 2, 4, 8, 16"):
        MobileNetV2(1.0, 16, strides=(8, 32))


def depthwise(stride, blocks=None):
    model = MobileNetV2(0.25, stride, blocks)
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d) and layer.groups > 1]
    return [(layer.stride[0], layer.dilation[0]) for layer in layers]


def test_strides_become_dilations():
    """The stage that loses its stride keeps its dilation; those behind it double theirs."""
    one, two = (1, 1), (2, 1)
    assert depthwise(32) == [one, two, one, two, one, one, two, *[one] * 6, two, *[one] * 3]
    assert depthwise(16) == [one, two, one, two, one, one, two, *[one] * 7, *[(1, 2)] * 3]
    assert depthwise(8) == [one, two, one, two, one, one, one, *[(1, 2)] * 7, *[(1, 4)] * 3]


def test_cut_after_five_stages():
    model = MobileNetV2(1.0, 8, 5)
    assert len(model.features) == 5
    assert model(torch.randn(1, 3, 64, 64))[0].shape == (1, 32, 8, 8)
    assert list(model.state_dict()) == list(torchvision_state())[: len(model.state_dict())]


@pytest.mark.parametrize(("blocks", "stride", "reached"), [(4, 8, 4), (5, 16, 8), (8, 32, 16), (2, 8, 2)])
def test_a_cut_that_does_not_reach_the_stride_is_refused(blocks, stride, reached):
    with pytest.raises(ValueError, match=f"reaches stride {reached}, not output_stride {stride}"):
        MobileNetV2(1.0, stride, blocks)


@pytest.mark.parametrize(("blocks", "expected"), [(5, 27), (7, 59)])
def test_receptive_field_is_what_one_feature_depends_on(blocks, expected):
    """3x3 convolutions at strides 1, 2, 2, 4, 4, 8, 8 see 2 more each: 1 + 2 (1 + 2 + 2 + 4 + 4) = 27, ..."""
    assert receptive_field(BackboneSpec(blocks=blocks, output_stride=8)) == expected
    model = MobileNetV2(0.5, 8, blocks).double().eval()
    image = torch.randn(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    model(image)[0][0, :, 8, 8].sum().backward()
    assert image.grad is not None
    touched = image.grad.abs().sum((0, 1)).nonzero()
    assert (touched.max(0).values - touched.min(0).values + 1).tolist() == [expected, expected]


def test_a_stage_without_its_stride_gets_no_residual():
    """At width 0.35 features.2 maps 8 channels to 8; with its stride gone a residual would fit, but was not trained."""
    stages = list(MobileNetV2(0.35, 8).features)
    assert [stage.residual for stage in stages[1:4]] == [False, False, True]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu():
    model, x = MobileNetV2(0.5, 16).double().eval(), torch.randn(2, 3, 65, 65, dtype=torch.float64)
    torch.testing.assert_close(model(x)[0], model.cuda()(x.cuda())[0].cpu(), rtol=0, atol=1e-10)
