"""Any backbone of timm that can return feature maps; needs timm (`pip install segnas[timm]`)."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from nas.models.backbones.base import Backbone, Level, check_maps, last_at
from nas.weights.preprocessing import IMAGENET, Preprocessing


class TimmBackbone(Backbone):
    """A network of timm, randomly initialised; see `Backbone` for shapes.

    Args:
        name: Of the network in timm.
        output_stride: Largest stride; later strides are replaced by dilation where timm can. The patch of a
            vision transformer.
        strides: Of the maps to return, ascending; None for the last map.
        depths: Of a vision transformer, the blocks (counted from 1) after which a map is returned.

    Raises:
        ValueError: timm is missing, does not know `name`, cannot build the network at `output_stride`, or the network
            has no map of one of `strides`.
    """

    def __init__(
        self,
        name: str,
        output_stride: int,
        strides: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        network = _create(name, output_stride, depths)
        info = network.feature_info
        offered = [
            Level(int(stride), int(channels))
            for stride, channels in zip(info.reduction(), info.channels(), strict=True)
        ]
        if offered[-1].stride != output_stride:
            raise ValueError(f"timm's {name} reaches stride {offered[-1].stride}, not output_stride {output_stride}")
        if depths is not None:
            self.read = tuple(range(len(depths)))
        else:
            self.read = last_at([level.stride for level in offered], strides or (output_stride,), f"timm's {name}")
        self.levels = tuple(offered[index] for index in self.read)
        self.network = network
        self.name = name
        rows_first = str(getattr(getattr(network, "output_fmt", None), "value", "NCHW")) == "NHWC"  # Swin's maps
        self.axes = (0, 3, 1, 2) if rows_first else (0, 1, 2, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        offered = self.network(images)
        maps = tuple(offered[index].permute(self.axes) for index in self.read)
        check_maps(images, maps, self.levels, f"timm's {self.name}")
        return maps

    def published_name(self, key: str) -> str:
        # timm wraps networks that give their maps themselves, and unrolls sequences of others: stages.0 is stages_0.
        return re.sub(r"^([a-z]+)_(\d+)\.", r"\1.\2.", key.removeprefix("network.").removeprefix("model."))

    def leaves_out(self, key: str) -> bool:  # noqa: ARG002  which layers timm cuts off differs by network
        # timm removes classifier and neck, so a key of the file that is no parameter of this network is one of theirs.
        return True


def published_preprocessing(name: str) -> Preprocessing:
    """Look up the preprocessing of a network's published weights in timm; ImageNet's where timm does not say it.

    Raises:
        ValueError: timm is missing.
    """
    published = _timm(name).get_pretrained_cfg(name, allow_unregistered=True)
    if published is None:
        return IMAGENET
    return Preprocessing(mean=tuple(published.mean), std=tuple(published.std))


def _timm(name: str) -> Any:
    try:
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that does not match the torch build
        raise ValueError(f"backbone timm:{name} needs timm ({error}); pip install segnas[timm]") from None


def _create(name: str, output_stride: int, depths: Sequence[int] | None) -> Any:
    timm = _timm(name)
    # Networks without strides to replace take no output_stride; vision transformers take images of any size instead.
    tried: list[dict[str, Any]] = [{"output_stride": output_stride}, {"dynamic_img_size": True}, {}]
    if depths is not None:
        tried = [{"out_indices": [depth - 1 for depth in depths], "dynamic_img_size": True}]
    try:
        for options in tried[:-1]:
            with contextlib.suppress(TypeError):
                return timm.create_model(name, pretrained=False, features_only=True, **options)
        return timm.create_model(name, pretrained=False, features_only=True, **tried[-1])
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AssertionError, IndexError) as error:
        raise ValueError(f"timm cannot build {name} at output_stride {output_stride}: {error}") from None
