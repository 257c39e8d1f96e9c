"""Backbones by description, their published weights, and how far they see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from nas.models.backbones.base import Backbone
from nas.models.backbones.mobilenet_v2 import MobileNetV2
from nas.models.backbones.resnet import ResNet
from nas.models.backbones.timm import TimmBackbone
from nas.specs import BackboneSpec

SHOWN_KEYS = 6


def build_backbone(spec: BackboneSpec) -> Backbone:
    """The network, randomly initialised from torch's global generator; see `Backbone` for shapes.

    ValueError where the output stride cannot be reached, or a `timm:` name cannot be built.
    """
    if spec.name == "mobilenet_v2":
        return MobileNetV2(spec.width, spec.output_stride, spec.blocks)
    if spec.name.startswith("timm:"):
        return TimmBackbone(spec.name.removeprefix("timm:"), spec.output_stride)
    return ResNet(spec.name, spec.output_stride)


def load_backbone_weights(module: Backbone, path: Path) -> None:
    """Load a checkpoint in place: `.safetensors`, or else what `torch.save` wrote of a state dict.

    Strict: every parameter and statistic must be there with its shape, and nothing else but the parts this network
    knowingly lacks (the classifier; stages cut off). Batch counters, which old files lack, may be missing. ValueError
    naming the file and the keys otherwise; the module is then unchanged.
    """
    own = module.state_dict()
    state = {key if key in own else module.key_prefix + key: value for key, value in _read(path).items()}
    given = {key: value for key, value in state.items() if key in own or not module.leaves_out(key)}
    wrong = {
        "missing": [key for key in own if key not in given and not key.endswith("num_batches_tracked")],
        "unknown": [key for key in given if key not in own],
        "of another shape": [
            f"{key} {tuple(value.shape)} for {tuple(own[key].shape)}"
            for key, value in given.items()
            if key in own and value.shape != own[key].shape
        ],
    }
    faults = [f"{_shown(keys)} {fault}" for fault, keys in wrong.items() if keys]
    if faults:
        raise ValueError(f"{path} does not fit this {type(module).__name__}: {'; '.join(faults)}")
    module.load_state_dict(own | given)


def receptive_field(spec: BackboneSpec) -> int:
    """Side in pixels of the square that one feature cell depends on (not for timm's).

    Sums (kernel - 1) * dilation * (strides so far) along the main path: MobileNet-v2's first 5 stages see 27.
    """
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


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"weights {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # reading a damaged file can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"weights {path} are no checkpoint of tensors: {reason}") from None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"weights {path} hold no state dict (a mapping of names to tensors)")
    return state


def _shown(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more
