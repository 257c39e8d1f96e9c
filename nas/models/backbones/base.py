"""The interface of a feature extractor, and the rule by which dilation replaces strides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import Tensor, nn


class Level(NamedTuple):
    """A feature map that a head reads: pixels of the image per cell along each axis, and channels."""

    stride: int
    channels: int


class Backbone(nn.Module):
    """A feature extractor: normalised images -> one feature map for each of its levels.

    (N, 3, H, W) -> for each level a map (N, channels, ceil(H / stride), ceil(W / stride)), finest first.

    Attributes:
        levels: Stride and channels of each map, finest first.
        key_prefix: Prefix of this module's state dict keys that published checkpoints do not have.
    """

    levels: tuple[Level, ...]
    key_prefix: str = ""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to one feature map for each level, finest first."""
        raise NotImplementedError

    def leaves_out(self, key: str) -> bool:
        """Return whether `key` of a published checkpoint belongs to a layer that this network omits on purpose."""
        raise AssertionError(f"{type(self).__name__} does not say whether it leaves out {key}")


def last_at(strides: Sequence[int], wanted: Iterable[int], network: str) -> tuple[int, ...]:
    """Find the last stage at each wanted stride.

    Args:
        strides: Stride of the output of each stage, ascending.
        wanted: Strides, ascending.
        network: Its name, for the message.

    Returns:
        Indices of the stages.

    Raises:
        ValueError: No stage has a wanted stride.
    """
    found = {stride: index for index, stride in enumerate(strides)}
    for stride in wanted:
        if stride not in found:
            known = ", ".join(map(str, found))
            raise ValueError(f"{network} has no feature map of stride {stride}; its maps have the strides {known}")
    return tuple(found[stride] for stride in wanted)


class StrideBudget:
    """Replaces strides by dilation once the requested output stride is reached.

    As in TensorFlow DeepLab and torchvision, the layer that loses its stride has the dilation of the layer before it;
    only the layers after it are dilated more.

    Attributes:
        output_stride: Requested product of all strides.
        reached: Product of the strides so far.
        dilation: Dilation of the next layer.
    """

    def __init__(self, output_stride: int) -> None:
        self.output_stride = output_stride
        self.reached = 1
        self.dilation = 1

    def spend(self, stride: int) -> tuple[int, int]:
        """Return (stride, dilation) of the next layer, which has `stride` in the undilated network."""
        dilation = self.dilation
        if self.reached * stride > self.output_stride:
            self.dilation *= stride
            return 1, dilation
        self.reached *= stride
        return stride, dilation
