"""The interface of a feature extractor, and the rule by which dilation replaces strides."""

from __future__ import annotations

from torch import nn


class Backbone(nn.Module):
    """A feature extractor with one output map.

    Normalised images (N, 3, H, W) -> features (N, out_channels, ceil(H / output_stride), ceil(W / output_stride)).

    Attributes:
        out_channels: Channels of the features.
        output_stride: Pixels of the image per feature cell, along each axis.
        key_prefix: Prefix of this module's state dict keys that published checkpoints do not have.
    """

    out_channels: int
    output_stride: int
    key_prefix: str = ""

    def leaves_out(self, key: str) -> bool:
        """Return whether `key` of a published checkpoint belongs to a layer that this network omits on purpose."""
        raise AssertionError(f"{type(self).__name__} does not say whether it leaves out {key}")


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
