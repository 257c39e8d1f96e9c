import importlib.util

import pytest
import torch
from safetensors.torch import save_file

from nas.models.backbones.base import Level
from nas.models.backbones.build import build_backbone, load_backbone_weights
from nas.models.backbones.timm import TimmBackbone, published_preprocessing
from nas.specs import BackboneSpec
from nas.weights.preprocessing import IMAGENET

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here")


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
def test_timm_names_need_timm():
    with pytest.raises(ValueError, match=r"pip install segnas\[timm\]"):
        build_backbone(BackboneSpec(name="timm:resnet18"))
    with pytest.raises(ValueError, match=r"pip install segnas\[timm\]"):
        published_preprocessing("resnet18")


@needs_timm
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "levels"),
    [
        ("resnet18", {"output_stride": 16}, ((16, 512),)),
        ("convnext_atto", {"output_stride": 32, "strides": (8, 32)}, ((8, 80), (32, 320))),
        ("vit_tiny_patch16_224", {"output_stride": 16, "depths": (3, 6)}, ((16, 192), (16, 192))),
        ("vit_tiny_patch16_224", {"output_stride": 16}, ((16, 192),)),
        ("swin_tiny_patch4_window7_224", {"output_stride": 32, "strides": (4, 8)}, ((4, 96), (8, 192))),
    ],
)
def test_maps_and_published_names(name, options, levels, tmp_path):
    """timm's entire network, saved, is loaded into the part that gives maps."""
    timm = importlib.import_module("timm")
    backbone = TimmBackbone(name, **options).eval()
    assert backbone.levels == tuple(Level(*level) for level in levels)
    with torch.inference_mode():
        maps = backbone(torch.randn(1, 3, 224, 224))
    assert [tuple(m.shape) for m in maps] == [(1, c, 224 // s, 224 // s) for s, c in levels]
    state = timm.create_model(name, pretrained=False).state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "x.safetensors")
    load_backbone_weights(backbone, tmp_path / "x.safetensors")
    loaded = {backbone.published_name(key): value for key, value in backbone.state_dict().items()}
    assert all(torch.equal(value, state[key]) for key, value in loaded.items())


@needs_timm
def test_mistakes_and_preprocessing():
    with pytest.raises(ValueError, match="timm cannot build no_such_network"):
        build_backbone(BackboneSpec(name="timm:no_such_network"))
    assert published_preprocessing("resnet18") == IMAGENET
    assert published_preprocessing("vit_tiny_patch16_224").mean == (0.5, 0.5, 0.5)
