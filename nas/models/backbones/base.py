"""What a feature extractor promises."""

from __future__ import annotations

from torch import nn


class Backbone(nn.Module):
    """(N, 3, H, W) normalised images -> (N, out_channels, ceil(H / output_stride), ceil(W / output_stride))."""

    out_channels: int
    output_stride: int
    key_prefix: str = ""
    """What this module's keys have before those of published checkpoints."""

    def leaves_out(self, key: str) -> bool:
        """Whether a published checkpoint's `key` belongs to a part this network knowingly lacks."""
        raise AssertionError(f"{type(self).__name__} does not say whether it leaves out {key}")


class StrideBudget:
    """Turns strides into dilations once the wanted output stride is reached.

    As TensorFlow DeepLab and torchvision: the layer that loses its stride keeps the dilation it had; what comes
    after it is dilated more.
    """

    def __init__(self, output_stride: int) -> None:
        self.output_stride = output_stride
        self.reached = 1
        self.dilation = 1

    def take(self, stride: int) -> tuple[int, int]:
        """(stride, dilation) of the next layer."""
        dilation = self.dilation
        if self.reached * stride > self.output_stride:
            self.dilation *= stride
            return 1, dilation
        self.reached *= stride
        return stride, dilation
