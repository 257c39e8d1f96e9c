"""The FCN head with a slot in which units of global reasoning are compared."""

from __future__ import annotations

from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU


class TrunkHead(nn.Module):
    """3x3 convolution to `width`, the unit, 3x3 convolution, 1x1 convolution to `channels`, dropout.

    Each convolution has BN and ReLU and no bias: (N, in, H, W) -> (N, channels, H, W). `unit` keeps the shape
    (N, width, H, W); the same trunk without a unit is the baseline that a unit has to beat. The papers put their
    units into such FCN heads, with 512 channels, where the 1x1 convolution yields the logits; here it yields
    `channels`, as in every head, and the logits are a further layer.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        width: int = 512,
        unit: nn.Module | None = None,
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.enter = ConvBNReLU(in_channels, width, 3, bn_momentum=bn_momentum)
        self.unit = nn.Identity() if unit is None else unit
        self.leave = ConvBNReLU(width, width, 3, bn_momentum=bn_momentum)
        self.project = ConvBNReLU(width, channels, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dropout(self.project(self.leave(self.unit(self.enter(x)))))
        return y
