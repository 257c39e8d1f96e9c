"""Heads that read several levels: published sizes, agreement with plain restatements of the papers, every shape."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.models.backbones.base import Level
from nas.models.complexity import multiply_adds
from nas.models.heads.build import build_head
from nas.models.heads.fpn import groups
from nas.models.heads.setting import HeadSetting
from nas.models.networks import build_classifier_head
from nas.models.parameters import count_parameters
from nas.specs import HeadSpec
from search_spaces.reference.architecture import SEVERAL_LEVELS, HeadName, ReferenceHead

PYRAMID = (4, 8, 16, 32)
READERS: tuple[HeadName, ...] = ("linear", *SEVERAL_LEVELS)


def built(name: HeadName, widths, channels=8, strides=PYRAMID):
    levels = [Level(*level) for level in zip(strides, widths, strict=True)]
    setting = HeadSetting(channels=channels, output_stride=strides[0], dropout=0.0)
    return build_head(ReferenceHead(name=name), levels, setting)


def size(name: HeadName, widths, channels, strides=PYRAMID) -> int:
    return count_parameters(built(name, widths, channels, strides))


def classifier(channels: int, classes: int) -> int:
    return channels * classes + classes


def maps(widths, sizes, seed=0, images=2):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(images, width, *cells, dtype=torch.float64, generator=generator)
        for width, cells in zip(widths, sizes, strict=True)
    ]


def randomised(head):
    """In float64 and evaluation mode, with statistics, biases and scales that are not 0 or 1."""
    torch.manual_seed(1)
    head = head.double().eval()
    for name, tensor in head.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.normal_()
        elif name.endswith("running_var") or (name.endswith("weight") and tensor.dim() == 1):
            tensor.uniform_(0.5, 1.5)
    return head


def normed(y, norm):
    mean, variance = norm.running_mean[:, None, None], norm.running_var[:, None, None]
    return (y - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]


def block(layer, x):
    """Convolution without bias, batch norm of running statistics, ReLU."""
    return normed(F.conv2d(x, layer.conv.weight, padding=layer.conv.weight.shape[-1] // 2), layer.bn).clamp(min=0)


def plain(conv, x):
    return F.conv2d(x, conv.weight, conv.bias, padding=conv.weight.shape[-1] // 2)


def bilinear(x, cells):
    # Cells of maps whose sizes are one more than a power of two lie on each other's corners.
    return F.interpolate(x, size=cells, mode="bilinear", align_corners=True)


# Sizes. Published figures are rounded; the formulas of the definitions are exact.


@pytest.mark.parametrize(
    ("widths", "channels", "printed"),
    [
        ((32, 64, 160, 256), 256, 0.4),
        ((64, 128, 320, 512), 256, 0.6),
        ((64, 128, 320, 512), 768, 3.3),
    ],
    ids=["B0", "B1", "B2 to B5"],
)
def test_segformer_has_the_decoder_parameters_that_the_paper_prints(widths, channels, printed):
    """Xie et al. 2021, table 1a, ADE20K's 150 classes: decoder, in millions."""
    exact = sum(widths) * channels + 4 * channels + 4 * channels**2 + 2 * channels
    assert size("segformer", widths, channels) == exact
    assert round((exact + classifier(channels, 150)) / 1e6, 1) == printed


def test_segformer_b0_exactly():
    assert size("segformer", (32, 64, 160, 256), 256) + classifier(256, 150) == 433_302


@pytest.mark.parametrize(("backbone", "printed"), [(23_508_032, 28.5), (42_500_160, 47.5)], ids=["R50", "R101"])
def test_semantic_fpn_has_the_parameters_that_are_printed(backbone, printed):
    """Wang et al., PVT (ICCV 2021), semantic FPN on ADE20K: ResNet-50 28.5M, ResNet-101 47.5M."""
    widths, pyramid, k = (256, 512, 1024, 2048), 256, 128
    laterals = sum(widths) * pyramid + 4 * pyramid
    smooth = 4 * (9 * pyramid**2 + pyramid)
    stages = 4 * 9 * pyramid * k + 3 * 9 * k * k + 7 * 2 * k  # 1 + 1 + 2 + 3 stages, four of them the first
    exact = laterals + smooth + stages
    assert size("fpn", widths, k) == exact == 4_968_192
    assert round((backbone + exact + classifier(k, 150)) / 1e6, 1) == printed


def test_upernet_has_the_parameters_that_are_printed():
    """Liu et al., Swin (ICCV 2021): UPerNet with Swin-T has 60M on ADE20K, with the auxiliary FCN head of training."""
    widths, k = (96, 192, 384, 768), 512
    pooling = 4 * (768 * k + 2 * k) + 9 * (768 + 4 * k) * k + 2 * k
    pyramid = (96 + 192 + 384) * k + 3 * 9 * k * k + 6 * 2 * k
    exact = pooling + pyramid + 9 * 4 * k * k + 2 * k
    assert size("upernet", widths, k) == exact == 31_420_416
    swin = 28_288_354 - classifier(768, 1000)
    auxiliary = 9 * 384 * 256 + 2 * 256 + classifier(256, 150)
    assert round((swin + exact + classifier(k, 150) + auxiliary) / 1e6) == 60


def test_dpt_on_a_vision_transformer_by_formula():
    """The released segmentation model at 768 channels, without the class token and the unit that is never called.

    No paper prints the head alone. Counted from the definition: reassembly to 96, 192, 384, 768 channels.
    """
    c, k = 768, 256
    widths = (96, 192, 384, 768)
    reassembly = sum(c * d + d for d in widths) + (16 * 96**2 + 96) + (4 * 192**2 + 192) + (9 * 768**2 + 768)
    unit = 2 * (9 * k * k + 2 * k)
    exact = reassembly + 9 * sum(widths) * k + 7 * unit + 4 * (k * k + k) + 9 * k * k + 2 * k
    assert size("dpt", (c,) * 4, k, strides=(16,) * 4) == exact == 19_147_712


def test_dpt_on_a_pyramid_by_formula():
    widths, k = (8, 12, 16, 20), 6
    unit = 2 * (9 * k * k + 2 * k)
    exact = 9 * sum(widths) * k + 7 * unit + 4 * (k * k + k) + 9 * k * k + 2 * k
    assert size("dpt", widths, k) == exact


def test_linear_heads_are_a_batch_norm_and_the_classifier():
    """DINOv2's `BNHead` on ViT-S/14: 384 channels of the last block, 1,536 of the last four; 150 classes."""
    levels = [Level(16, 384)] * 4
    for name, channels in (("linear", 384), ("linear_levels", 1536)):
        part = build_classifier_head(ReferenceHead.model_validate({"name": name}), levels, 150, HeadSpec(), (512, 512))
        assert count_parameters(part) == 2 * channels + classifier(channels, 150)
        assert sum(p.dim() == 4 for p in part.parameters()) == 1  # the logits; nothing hidden


def test_the_documented_sizes():
    text = (Path(__file__).parents[4] / "docs/concepts/reference_heads.md").read_text("utf-8")
    vit_s = classifier(384, 150), classifier(4 * 384, 150)
    sizes = {
        "linear": size("linear", (384,), 8, (16,)) + vit_s[0],
        "aspp": size("aspp", (2048,), 256, (16,)),
        "aspp_separable": size("aspp_separable", (2048,), 256, (16,)),
        "ppm": size("ppm", (2048,), 512, (16,)),
        "linear_levels": size("linear_levels", (384,) * 4, 8, (16,) * 4) + vit_s[1],
        "segformer": size("segformer", (32, 64, 160, 256), 256),
        "fpn": size("fpn", (256, 512, 1024, 2048), 128),
        "upernet": size("upernet", (96, 192, 384, 768), 512),
        "dpt": size("dpt", (768,) * 4, 256, (16,) * 4),
    }
    for name, parameters in sizes.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"{parameters:,}" in row, (name, parameters)


# The same in plain functions.


SIZES = ((33, 65), (17, 33), (9, 17), (5, 9))
WIDTHS = (5, 7, 9, 11)


def test_linear_reads_the_last_level_and_linear_levels_all():
    inputs = maps(WIDTHS, SIZES)
    head = randomised(built("linear", WIDTHS))
    torch.testing.assert_close(head(*inputs), bilinear(normed(inputs[-1], head.bn), SIZES[0]), rtol=0, atol=1e-9)
    assert head.out_channels == 11
    head = randomised(built("linear_levels", WIDTHS))
    joined = torch.cat([inputs[0], *(bilinear(level, SIZES[0]) for level in inputs[1:])], 1)
    torch.testing.assert_close(head(*inputs), normed(joined, head.head.bn), rtol=0, atol=1e-9)
    assert head.out_channels == 32


def test_segformer_is_what_the_paper_writes():
    head, inputs = randomised(built("segformer", WIDTHS)), maps(WIDTHS, SIZES)
    joined = []
    for linear, level in zip(head.levels, inputs, strict=True):
        tokens = level.flatten(2).transpose(1, 2) @ linear.weight[:, :, 0, 0].T + linear.bias
        joined.append(bilinear(tokens.transpose(1, 2).unflatten(2, level.shape[2:]), SIZES[0]))
    torch.testing.assert_close(head(*inputs), block(head.fuse, torch.cat(joined, 1)), rtol=0, atol=1e-9)


def test_semantic_fpn_is_what_the_paper_writes():
    head, inputs = randomised(built("fpn", WIDTHS)), maps(WIDTHS, SIZES)
    top = plain(head.lateral[3], inputs[3])
    pyramid = [top]
    for level in (2, 1, 0):
        finer = plain(head.lateral[level], inputs[level])
        height, width = finer.shape[2:]
        rows = torch.arange(height) * top.shape[2] // height
        columns = torch.arange(width) * top.shape[3] // width
        top = finer + top[:, :, rows][:, :, :, columns]  # the nearest cell
        pyramid.insert(0, top)
    total = torch.zeros(())
    for level, (smooth, branch) in enumerate(zip(head.smooth, head.branches, strict=True)):
        y = plain(smooth, pyramid[level])
        assert len(branch.stages) == max(1, level)
        for step, stage in enumerate(branch.stages):
            y = plain(stage.conv, y).unflatten(1, (2, 4))  # two groups of four channels
            y = (y - y.mean((2, 3, 4), keepdim=True)) / (y.var((2, 3, 4), keepdim=True, unbiased=False) + 1e-5).sqrt()
            y = y.flatten(1, 2) * stage.norm.weight[:, None, None] + stage.norm.bias[:, None, None]
            y = y.clamp(min=0)
            y = bilinear(y, SIZES[level - 1 - step]) if level else y
        total = total + y
    torch.testing.assert_close(head(*inputs), total, rtol=0, atol=1e-9)


def test_upernet_is_what_the_paper_writes():
    head, inputs = randomised(built("upernet", WIDTHS)), maps(WIDTHS, SIZES)
    means = [
        bilinear(block(conv, F.adaptive_avg_pool2d(inputs[3], bins)), SIZES[3])
        for bins, conv in zip((1, 2, 3, 6), head.pooled, strict=True)
    ]
    top = block(head.context, torch.cat([inputs[3], *means], 1))
    outputs = [bilinear(top, SIZES[0])]
    for level in (2, 1, 0):
        top = block(head.lateral[level], inputs[level]) + bilinear(top, SIZES[level])
        outputs.insert(0, bilinear(block(head.smooth[level], top), SIZES[0]))
    torch.testing.assert_close(head(*inputs), block(head.fuse, torch.cat(outputs, 1)), rtol=0, atol=1e-9)


def residual(unit, x):
    y = x
    for conv, norm in zip(unit.convs, unit.norms, strict=True):
        y = normed(plain(conv, y.clamp(min=0)), norm)
    return x + y


def dpt_of(head, pyramid):
    """DPT's fusion of a pyramid, with the 1x1 convolution behind the resize, as published."""
    entered = [plain(conv, level) for conv, level in zip(head.enter, pyramid, strict=True)]
    y = residual(head.fusions[-1].leave, entered[-1])
    for level in range(len(entered) - 2, -1, -1):
        y = plain(head.fusions[level + 1].project, bilinear(y, entered[level].shape[2:]))
        y = residual(head.fusions[level].leave, y + residual(head.fusions[level].enter, entered[level]))
    return block(head.leave, plain(head.fusions[0].project, y))


def test_dpt_is_what_the_paper_writes():
    head, inputs = randomised(built("dpt", WIDTHS)), maps(WIDTHS, SIZES)
    torch.testing.assert_close(head(*inputs), dpt_of(head, inputs), rtol=0, atol=1e-9)


def test_dpt_reassembles_the_maps_of_a_vision_transformer():
    head = randomised(built("dpt", (16,) * 4, strides=(16,) * 4))
    inputs = maps((16,) * 4, [(5, 7)] * 4)
    first, second, third, last = head.reassemble
    pyramid = [
        F.conv_transpose2d(plain(first[0], inputs[0]), first[1].weight, first[1].bias, 4),
        F.conv_transpose2d(plain(second[0], inputs[1]), second[1].weight, second[1].bias, 2),
        plain(third[0], inputs[2]),
        F.conv2d(plain(last[0], inputs[3]), last[1].weight, last[1].bias, 2, 1),
    ]
    assert [tuple(level.shape[1:]) for level in pyramid] == [(2, 20, 28), (4, 10, 14), (8, 5, 7), (16, 3, 4)]
    plain_head = built("dpt", (2, 4, 8, 16)).double().eval()
    plain_head.load_state_dict({k: v for k, v in head.state_dict().items() if not k.startswith("reassemble")})
    y = head(*inputs)
    assert y.shape == (2, 8, 20, 28)  # four times as fine as the maps
    torch.testing.assert_close(y, plain_head(*pyramid), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("strides", "sentence"),
    [((16,) * 5, "at most 4 maps of one stride, not 5"), ((8, 16, 16), "maps of one stride, not of 8, 16, 16")],
)
def test_dpt_refuses_other_strides(strides, sentence):
    with pytest.raises(ValueError, match=sentence):
        built("dpt", (8,) * len(strides), strides=strides)


@pytest.mark.parametrize("name", SEVERAL_LEVELS)
def test_one_level_is_too_few(name):
    with pytest.raises(ValueError, match=f"{name} reads several feature maps"):
        built(name, (8,), strides=(16,))


# Any levels, widths and sizes.


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_levels_and_sizes(name, data):
    strides = data.draw(st.sampled_from([(4, 8), (4, 16), (8, 16, 32), PYRAMID, (16, 16), (16,) * 4]))
    widths = data.draw(st.lists(st.integers(1, 9), min_size=len(strides), max_size=len(strides)))
    channels = data.draw(st.integers(1, 9))
    height, width = data.draw(st.tuples(st.integers(33, 97), st.integers(33, 97)))
    head = built(name, widths, channels, strides).double()
    inputs = maps(widths, [(-(-height // stride), -(-width // stride)) for stride in strides])
    y = head(*inputs)
    factor = 2 ** (len(strides) - 2) if name == "dpt" and strides[0] == strides[-1] else 1
    assert y.shape == (2, head.out_channels, factor * inputs[0].shape[2], factor * inputs[0].shape[3])
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("strides", [PYRAMID, (16,) * 4], ids=["pyramid", "transformer"])
@pytest.mark.parametrize("name", READERS)
def test_every_parameter_learns(name, strides):
    torch.manual_seed(0)
    head = built(name, (8,) * 4, strides=strides).double()
    inputs = maps((8,) * 4, [(-(-129 // stride), -(-97 // stride)) for stride in strides])
    head(*inputs).square().mean(1).std().backward()
    for parameter, tensor in head.named_parameters():
        assert tensor.grad is not None, parameter
        assert tensor.grad.abs().max() > 0, parameter


@pytest.mark.parametrize("name", ["aspp", "segformer", "fpn", "upernet", "dpt"])
def test_own_channels_come_before_the_settings(name):
    levels = [Level(stride, 8) for stride in PYRAMID]
    setting = HeadSetting(channels=16, output_stride=4)
    narrow = build_head(ReferenceHead(name=name, channels=4), levels, setting)
    assert narrow.out_channels == 4
    assert count_parameters(narrow) == count_parameters(
        build_head(ReferenceHead(name=name), levels, HeadSetting(channels=4, output_stride=4))
    )


# Multiply-adds: the sum over convolutions of cells times weights.


def test_multiply_adds_by_hand():
    widths, k = (3, 5), 8
    shapes = [(3, 8, 12), (5, 4, 6)]
    fine, coarse = 8 * 12, 4 * 6
    strides = (4, 8)
    assert multiply_adds(built("segformer", widths, k, strides), shapes) == (
        fine * 3 * k + coarse * 5 * k + fine * 2 * k * k
    )
    assert multiply_adds(built("fpn", widths, k, strides), shapes) == (
        fine * 3 * 2 * k + coarse * 5 * 2 * k + (fine + coarse) * (9 * 4 * k * k + 9 * 2 * k * k)
    )
    pooling = (1 + 4 + 9 + 36) * 5 * k + coarse * 9 * (5 + 4 * k) * k
    assert multiply_adds(built("upernet", widths, k, strides), shapes) == (
        pooling + fine * (3 * k + 9 * k * k) + fine * 9 * 2 * k * k
    )
    unit = 2 * 9 * k * k
    assert multiply_adds(built("dpt", widths, k, strides), shapes) == (
        fine * 9 * 3 * k + coarse * 9 * 5 * k + coarse * (unit + k * k) + fine * (2 * unit + k * k) + fine * 9 * k * k
    )
    assert multiply_adds(built("linear_levels", widths, k, strides), shapes) == 0


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(128, 32), (16, 4), (6, 1), (10, 2), (7, 1), (3, 1), (1, 1), (48, 12)],
)
def test_groups_are_of_four_channels_where_that_divides(channels, expected):
    assert groups(channels) == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", READERS)
def test_cuda_agrees_with_the_cpu_and_repeats_itself(name):
    head, inputs = built(name, WIDTHS).double(), maps(WIDTHS, SIZES)
    torch.testing.assert_close(head(*inputs), head.cuda()(*(x.cuda() for x in inputs)).cpu(), rtol=0, atol=1e-9)
    there = [x.cuda().requires_grad_() for x in inputs]
    first, second = (torch.autograd.grad(head(*there).square().sum(), there[-1])[0] for _ in range(2))
    assert torch.equal(first, second)
