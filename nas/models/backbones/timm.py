"""Any backbone of timm that can return feature maps; needs timm (`pip install segnas[timm]`)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from nas.models.backbones.base import Backbone, Level, last_at


class TimmBackbone(Backbone):
    """A network of timm, randomly initialised; see `Backbone` for shapes.

    Args:
        name: Of the network in timm.
        output_stride: Largest stride; later strides are replaced by dilation.
        strides: Of the maps to return, ascending; None for the last map.

    Raises:
        ValueError: timm is missing, does not know `name`, cannot build the network at `output_stride`, or the network
            has no map of one of `strides`.
    """

    key_prefix = "network."

    def __init__(self, name: str, output_stride: int, strides: Sequence[int] | None = None) -> None:
        super().__init__()
        network = _create(name, output_stride)
        info = network.feature_info
        offered = [
            Level(int(stride), int(channels))
            for stride, channels in zip(info.reduction(), info.channels(), strict=True)
        ]
        if offered[-1].stride != output_stride:
            raise ValueError(f"timm's {name} reaches stride {offered[-1].stride}, not output_stride {output_stride}")
        self.read = last_at([level.stride for level in offered], strides or (output_stride,), f"timm's {name}")
        self.levels = tuple(offered[index] for index in self.read)
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = self.network(images)
        return tuple(maps[index] for index in self.read)

    def leaves_out(self, key: str) -> bool:  # noqa: ARG002  which layers timm cuts off differs by network
        # timm removes classifier and neck, so a key of the file that is no parameter of this network is one of theirs.
        return True


def _create(name: str, output_stride: int) -> Any:
    try:
        timm = importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that does not match the torch build
        raise ValueError(f"backbone timm:{name} needs timm ({error}); pip install segnas[timm]") from None
    try:
        return timm.create_model(name, pretrained=False, features_only=True, output_stride=output_stride)
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AssertionError) as error:
        raise ValueError(f"timm cannot build {name} at output_stride {output_stride}: {error}") from None
