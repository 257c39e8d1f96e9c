"""Counts, sizes layer by layer, limits."""

import random

import pytest
import torch

from nas.models.auto_deeplab import AutoDeepLabNetwork, build_auto_deeplab, check_crop
from nas.models.complexity import multiply_adds
from nas.models.networks import build_network
from nas.models.parameters import count_parameters
from nas.specs import NetworkSpec
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.space import sample

AUTO_DEEPLAB_S = NetworkSpec()
TINY = NetworkSpec(filters=2, stem_channels=4, aspp_channels=4, low_level_channels=4, decoder_channels=4)


def on_meta(architecture, network=AUTO_DEEPLAB_S):
    with torch.device("meta"):
        return build_auto_deeplab(architecture, 19, network)


@pytest.mark.parametrize(
    ("filters", "exact", "printed"), [(20, 10_147_427, 10.15), (32, 21_622_451, 21.62), (48, 44_424_691, 44.42)]
)
def test_trainable_parameters_of_s_m_l(filters, exact, printed):
    count = count_parameters(on_meta(PUBLISHED_AUTO_DEEPLAB, NetworkSpec(filters=filters)))
    assert count == exact
    assert round(count / 1e6, 2) == printed


def by_hand(filters, classes):
    """Parameters of the published network, added up from the definitions alone; batch norm has 2 a channel."""
    sep = lambda f, k: 2 * (f * k * k + f * f + 2 * f)  # noqa: E731
    atrous = lambda f, k: f * f * k * k + 2 * f  # noqa: E731
    total = 3 * 64 * 9 + 64 * 64 * 9 + 64 * 128 * 9 + 2 * (64 + 64 + 128)
    widths = [64, 128]
    for level in PUBLISHED_AUTO_DEEPLAB.path:
        f = filters * 2**level
        total += sum(width * f + 2 * f for width in widths[-2:])
        total += 4 * sep(f, 3) + 3 * sep(f, 5) + 2 * atrous(f, 5) + atrous(f, 3)
        widths.append(5 * f)
    last, early = widths[-1], widths[4]
    total += 2 * (last * 256 + 512) + 3 * (last * 256 * 9 + 512) + 5 * 256 * 256 + 512
    total += early * 48 + 96 + (256 + 48) * 256 * 9 + 512 + 256 * 256 * 9 + 512
    return total + 256 * classes + classes


@pytest.mark.parametrize(("filters", "classes"), [(20, 19), (8, 150), (33, 21)])
def test_parameters_added_up_by_hand(filters, classes):
    with torch.device("meta"):
        network = build_auto_deeplab(PUBLISHED_AUTO_DEEPLAB, classes, NetworkSpec(filters=filters))
    assert count_parameters(network) == by_hand(filters, classes)


def sizes(network, height, width):
    """Shape (C, H, W) of every cell's output, then of the logits."""
    seen = []
    for cell in network.cells:
        cell.register_forward_hook(lambda _, inputs, output: seen.append(tuple(output.shape[1:])))
    logits = network.eval()(torch.empty(1, 3, height, width, device="meta"))
    return [*seen, tuple(logits.shape[1:])]


def test_feature_maps_of_the_published_network_layer_by_layer():
    assert sizes(on_meta(PUBLISHED_AUTO_DEEPLAB), 769, 1025) == [
        (100, 193, 257),
        (100, 193, 257),
        (100, 193, 257),
        (200, 97, 129),
        (400, 49, 65),
        (200, 97, 129),
        (400, 49, 65),
        (400, 49, 65),
        (800, 25, 33),
        (800, 25, 33),
        (400, 49, 65),
        (200, 97, 129),
        (19, 193, 257),
    ]


@pytest.mark.parametrize("size", [(64, 128), (65, 129), (100, 66)])
def test_maps_have_the_images_size_over_the_stride_rounded_up(size):
    architecture = sample(2, 9, random.Random(1))
    network = on_meta(architecture, TINY)
    *cells, logits = sizes(network, *size)
    for shape, stride in zip(cells, architecture.strides, strict=True):
        assert shape == (2 * 2 * stride // 4, -(-size[0] // stride), -(-size[1] // stride))
    assert logits == (19, -(-size[0] // 4), -(-size[1] // 4))


def test_the_stem_has_the_released_widths_whatever_the_filters():
    stem = on_meta(PUBLISHED_AUTO_DEEPLAB, NetworkSpec(filters=48)).stem
    half, quarter = stem(torch.empty(1, 3, 97, 65, device="meta"))
    assert half.shape == (1, 64, 49, 33)
    assert quarter.shape == (1, 128, 25, 17)


def path_to(levels):
    edge = Edge(input=0, operator="sep_3x3")
    return AutoDeepLab(blocks=(Block(edges=(edge, edge)),), path=levels)


@pytest.mark.parametrize(
    ("levels", "rates"), [((0,), [24, 48, 72]), ((1,), [12, 24, 36]), ((1, 2), [6, 12, 18]), ((1, 2, 3), [3, 6, 9])]
)
def test_rates_of_aspp_are_the_same_in_pixels(levels, rates):
    network = on_meta(path_to(levels), TINY)
    assert [branch.conv.dilation[0] for branch in network.aspp.atrous] == rates


def test_the_decoder_reads_the_third_cell():
    network = on_meta(path_to((0, 1, 2, 3, 3)), TINY)
    assert network.decoder.project.conv.in_channels == 8  # one block, 2 filters, level 2
    assert on_meta(path_to((0, 1)), TINY).decoder.project.conv.in_channels == 4


def test_batch_norm_has_the_released_epsilon():
    network = on_meta(PUBLISHED_AUTO_DEEPLAB, TINY)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.eps == (1e-3 if name.startswith(("stem", "cells")) else 1e-5)


def test_it_can_be_trained_and_every_parameter_takes_part():
    architecture = sample(2, 4, random.Random(3))
    torch.manual_seed(0)
    network = build_auto_deeplab(architecture, 3, TINY)
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    used = {edge.input for block in architecture.blocks for edge in block.edges}
    unused = [n for state, n in enumerate(("project_previous", "project_before")) if state not in used]
    assert all(any(part in name for part in unused) for name in without)


def test_multiply_adds_are_counted():
    network = on_meta(path_to((0,)), TINY)
    stem = (3 * 4 * 9) * 16 * 16 + (4 * 4 * 9) * 16 * 16 + (4 * 8 * 9) * 8 * 8
    cell = (8 * 2 + 4 * 2 + 2 * 2 * (2 * 9 + 2 * 2)) * 8 * 8
    aspp = (2 * 4 + 3 * 2 * 4 * 9 + 5 * 4 * 4) * 8 * 8 + 2 * 4
    decoder = (2 * 4 + 8 * 4 * 9 + 4 * 4 * 9 + 4 * 19) * 8 * 8
    assert multiply_adds(network, [(3, 32, 32)]) == stem + cell + aspp + decoder


@pytest.mark.parametrize("crop", [(513, 513), (64, 128), (65, 97)])
def test_crops_that_fit(crop):
    check_crop(PUBLISHED_AUTO_DEEPLAB, crop)


@pytest.mark.parametrize("crop", [(63, 128), (128, 80), (32, 64), (33, 33)])
def test_crops_that_do_not(crop):
    with pytest.raises(ValueError, match="stride 32: each side must be a multiple of 32, or one more, and at least 64"):
        build_auto_deeplab(PUBLISHED_AUTO_DEEPLAB, 19, TINY, crop=crop)
    check_crop(path_to((0, 1)), (80, 81))


def test_wrong_numbers_are_refused():
    for wrong in ({"filters": 0}, {"drop_path": 1.0}, {"drop_path": -0.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            NetworkSpec.model_validate(wrong)
    with pytest.raises(ValueError, match="at least one iteration"):
        build_auto_deeplab(PUBLISHED_AUTO_DEEPLAB, 19, TINY, iterations=0)
    with pytest.raises(ValueError, match="num_classes"):
        build_auto_deeplab(PUBLISHED_AUTO_DEEPLAB, 0, TINY)


def test_build_network_builds_it_without_a_backbone():
    with torch.device("meta"):
        network = build_network(PUBLISHED_AUTO_DEEPLAB, 19)
        large = build_network(PUBLISHED_AUTO_DEEPLAB, 19, network=NetworkSpec(filters=48, drop_path=0.2), iterations=9)
    assert count_parameters(network) == 10_147_427
    assert count_parameters(large) == 44_424_691
    assert isinstance(large, AutoDeepLabNetwork)
    assert large.drop_path.drop == pytest.approx(0.2)
    assert large.drop_path.iterations == 9
    with pytest.raises(ValueError, match="crop"):
        build_network(PUBLISHED_AUTO_DEEPLAB, 19, crop=(80, 80))
