"""Build a backbone from its description, and compute its receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nas.models.backbones.base import Backbone
from nas.models.backbones.checkpoint import load_backbone_weights
from nas.models.backbones.efficientnet_lite import DEPTHS, EfficientNetLite
from nas.models.backbones.huggingface import HuggingFaceBackbone
from nas.models.backbones.mobilenet_v2 import MobileNetV2
from nas.models.backbones.resnet import ResNet
from nas.models.backbones.timm import TimmBackbone
from nas.specs import BackboneSpec

__all__ = ["build_backbone", "load_backbone_weights", "receptive_field"]


def build_backbone(spec: BackboneSpec, config: Mapping[str, Any] | None = None) -> Backbone:
    """Build a backbone with random initial weights from torch's global generator; see `Backbone` for shapes.

    Args:
        spec: Which network, and which of its maps are read.
        config: Of a network of transformers (`hf:` names), the content of its `config.json`.

    Raises:
        ValueError: The network cannot have this output stride or has no map of one of the levels; timm or transformers
            is missing or cannot build the network; or an `hf:` name comes without `config`.
    """
    if spec.name == "mobilenet_v2":
        return MobileNetV2(spec.width, spec.output_stride, spec.blocks, spec.levels)
    if spec.name in DEPTHS:
        return EfficientNetLite(spec.name, spec.output_stride, spec.levels)
    if spec.name.startswith("timm:"):
        return TimmBackbone(spec.name.removeprefix("timm:"), spec.output_stride, spec.levels, spec.depths)
    if spec.name.startswith("hf:"):
        if config is None:
            raise ValueError(f"{spec.name} is built from the config.json of its folder; give its content as `config`")
        return HuggingFaceBackbone(config, spec.output_stride, spec.levels, spec.depths)
    return ResNet(spec.name, spec.output_stride, spec.levels)


def receptive_field(spec: BackboneSpec) -> int:
    """Return the side, in pixels, of the square of the image that one cell of the coarsest map depends on.

    The side is 1 plus the sum of (kernel - 1) * dilation * (product of the strides before) over the layers of the
    main path: 27 for the first 5 stages of MobileNet-v2.

    Raises:
        ValueError: The backbone is one of timm or transformers, whose layers are not known.
    """
    if ":" in spec.name:
        raise ValueError(f"the receptive field of {spec.name} is not known")
    with torch.device("meta"):
        backbone = build_backbone(spec)
    side, jump = 1, 1
    for name, layer in backbone.named_modules():
        if isinstance(layer, nn.Conv2d) and "downsample" not in name:
            side += (layer.kernel_size[0] - 1) * layer.dilation[0] * jump
            jump *= layer.stride[0]
        if isinstance(backbone, ResNet) and name == "bn1":  # its 3x3 max pooling with stride 2 comes next
            side += 2 * jump
            jump *= 2
    return side
