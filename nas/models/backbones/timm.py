"""Any backbone of timm that can return feature maps; needs timm (`pip install segnas[timm]`)."""

from __future__ import annotations

import importlib
from typing import Any

from torch import Tensor

from nas.models.backbones.base import Backbone


class TimmBackbone(Backbone):
    """A network of timm, randomly initialised, whose last feature map is the output; see `Backbone` for shapes.

    Raises:
        ValueError: timm is missing, does not know `name`, or cannot build the network at `output_stride`.
    """

    key_prefix = "network."

    def __init__(self, name: str, output_stride: int) -> None:
        super().__init__()
        network = _create(name, output_stride)
        reached = int(network.feature_info.reduction()[-1])
        if reached != output_stride:
            raise ValueError(f"timm's {name} reaches stride {reached}, not output_stride {output_stride}")
        self.out_channels = int(network.feature_info.channels()[-1])
        self.output_stride = output_stride
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.network(x)[-1]
        return y

    def leaves_out(self, key: str) -> bool:  # noqa: ARG002  which layers timm cuts off differs by network
        # timm removes classifier and neck, so a key of the file that is no parameter of this network is one of theirs.
        return True


def _create(name: str, output_stride: int) -> Any:
    try:
        timm = importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that does not match the torch build
        raise ValueError(f"backbone timm:{name} needs timm ({error}); pip install segnas[timm]") from None
    try:
        return timm.create_model(
            name, pretrained=False, features_only=True, output_stride=output_stride, out_indices=(-1,)
        )
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AssertionError) as error:
        raise ValueError(f"timm cannot build {name} at output_stride {output_stride}: {error}") from None
