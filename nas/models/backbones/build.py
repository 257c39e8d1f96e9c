"""Build a backbone from its description, load published weights into it, compute its receptive field."""

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
"""Keys that an error message lists; the others are counted."""


def build_backbone(spec: BackboneSpec) -> Backbone:
    """Build a backbone with random initial weights from torch's global generator; see `Backbone` for shapes.

    Raises:
        ValueError: The network cannot have this output stride or has no map of one of the levels, or timm is missing
            or cannot build a `timm:` name.
    """
    if spec.name == "mobilenet_v2":
        return MobileNetV2(spec.width, spec.output_stride, spec.blocks, spec.levels)
    if spec.name.startswith("timm:"):
        return TimmBackbone(spec.name.removeprefix("timm:"), spec.output_stride, spec.levels)
    return ResNet(spec.name, spec.output_stride, spec.levels)


def load_backbone_weights(module: Backbone, path: Path) -> None:
    """Load a checkpoint into `module`, in place and strictly.

    Every parameter and statistic of the module must be in the file with the same shape, and the file may hold nothing
    else except layers that the network omits on purpose (the classifier, removed stages; see `Backbone.leaves_out`).
    Batch counters (`num_batches_tracked`), which old files lack, may be missing.

    Args:
        module: The network to load into; unchanged when the file does not fit.
        path: A `.safetensors` file, or a state dict written by `torch.save`.

    Raises:
        ValueError: The file cannot be read or does not fit the module; the message names the file and the keys.
    """
    own = module.state_dict()
    state = {key if key in own else module.key_prefix + key: value for key, value in _read(path).items()}
    relevant = {key: value for key, value in state.items() if key in own or not module.leaves_out(key)}
    problems = {
        "missing": [key for key in own if key not in relevant and not key.endswith("num_batches_tracked")],
        "unknown": [key for key in relevant if key not in own],
        "of another shape": [
            f"{key} {tuple(value.shape)} for {tuple(own[key].shape)}"
            for key, value in relevant.items()
            if key in own and value.shape != own[key].shape
        ],
    }
    faults = [f"{_abbreviate(keys)} {problem}" for problem, keys in problems.items() if keys]
    if faults:
        raise ValueError(f"{path} does not fit this {type(module).__name__}: {'; '.join(faults)}")
    module.load_state_dict(own | relevant)


def receptive_field(spec: BackboneSpec) -> int:
    """Return the side, in pixels, of the square of the image that one feature cell depends on.

    The side is 1 plus the sum of (kernel - 1) * dilation * (product of the strides before) over the layers of the
    main path: 27 for the first 5 stages of MobileNet-v2.

    Args:
        spec: A MobileNet-v2 or a ResNet; the sum is not right for timm's backbones.
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


def _abbreviate(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more
