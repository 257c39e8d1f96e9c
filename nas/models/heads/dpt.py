"""DPT: maps of a vision transformer reassembled to a pyramid, and fused from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU, batch_norm
from nas.models.layers.resampling import upsample

MOST_EQUAL = 4
"""Most maps of equal stride that are reassembled, as published; a fifth would need a map of 8 times the size."""


class DPTHead(nn.Module):
    """Each level through a 3x3 convolution to `channels`, then fused from coarse to fine by residual units.

    One map (N, in_channels[i], H_i, W_i) for each level, finest first -> (N, channels, H, W) at the size of the finest
    map of the pyramid. The levels of a backbone whose strides ascend are the pyramid. The maps of a vision transformer,
    which all have one stride, are reassembled: n maps of C channels, the first from the shallowest block, become maps
    of 2^(n-2), ..., 2, 1 and 1/2 times the size and C / 2^(n-1), ..., C / 2, C channels, by a 1x1 convolution and a
    transposed convolution, nothing, or a 3x3 convolution of stride 2. There the output is 2^(n-2) times as large as
    the maps.

    Fusion: from the coarsest on, x = level + unit(level) is added to what the coarser levels gave; a second unit, a 1x1
    convolution and a resize to the next finer level follow. A unit is twice ReLU, 3x3 convolution, BN, and adds its
    input. A 3x3 convolution, BN, ReLU and dropout end the head. The published width is 256.

    Source:
        Ranftl et al., Vision Transformers for Dense Prediction (ICCV 2021, arXiv 2103.13413), section 3 and figure 1;
        widths, biases and batch norm as in the released code for segmentation, whose DPT-Large reassembles to
        C / 4, C / 2, C, C. Left out: the class token, which other backbones do not have ("ignore" in section 3); a unit
        of the coarsest level that the released code builds and never calls; the last doubling of the size, which the
        resize of the logits makes up for.

    Raises:
        ValueError: Some strides are equal and others not, or more than four are.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        strides: Sequence[int],
        channels: int,
        *,
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        widths = list(in_channels)
        self.out_channels = channels
        self.reassemble: nn.ModuleList | None = None
        if len(set(strides)) < len(strides):
            _check_equal(strides)
            self.reassemble, widths = _reassembly(widths)
        self.enter = nn.ModuleList(_conv3x3(width, channels) for width in widths)
        self.fusions = nn.ModuleList(
            _Fusion(channels, coarsest=level == len(widths) - 1, bn_momentum=bn_momentum)
            for level in range(len(widths))
        )
        self.leave = ConvBNReLU(channels, channels, 3, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, *levels: Tensor) -> Tensor:
        if self.reassemble is not None:
            levels = tuple(layer(level) for layer, level in zip(self.reassemble, levels, strict=True))
        maps = [conv(level) for conv, level in zip(self.enter, levels, strict=True)]
        sizes = [(y.shape[-2], y.shape[-1]) for y in maps]
        coarser: Tensor | None = None
        for index in reversed(range(len(maps))):
            coarser = self.fusions[index](maps[index], coarser, sizes[max(0, index - 1)])
        y: Tensor = self.dropout(self.leave(coarser))
        return y


class _Fusion(nn.Module):
    def __init__(self, channels: int, *, coarsest: bool, bn_momentum: float) -> None:
        super().__init__()
        self.enter = None if coarsest else _ResidualUnit(channels, bn_momentum)
        self.leave = _ResidualUnit(channels, bn_momentum)
        self.project = _pointwise(channels, channels)

    def forward(self, level: Tensor, coarser: Tensor | None, size: tuple[int, int]) -> Tensor:
        if self.enter is not None:
            assert coarser is not None, "only the coarsest level has no unit to enter by"
            level = coarser + self.enter(level)
        # The 1x1 convolution before the resize is the same as behind it, and reads a quarter of the cells.
        return upsample(self.project(self.leave(level)), size)


class _ResidualUnit(nn.Module):
    def __init__(self, channels: int, bn_momentum: float) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv3x3(channels, channels) for _ in range(2))
        self.norms = nn.ModuleList(batch_norm(channels, bn_momentum) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv, norm in zip(self.convs, self.norms, strict=True):
            y = norm(conv(F.relu(y)))
        return x + y


def _check_equal(strides: Sequence[int]) -> None:
    if len(set(strides)) > 1:
        raise ValueError(
            f"dpt reads levels of ascending strides, or maps of one stride, not of {', '.join(map(str, strides))}"
        )
    if len(strides) > MOST_EQUAL:
        raise ValueError(f"dpt reassembles at most {MOST_EQUAL} maps of one stride, not {len(strides)}")


def _reassembly(in_channels: Sequence[int]) -> tuple[nn.ModuleList, list[int]]:
    """Build the layers that turn maps of equal size into a pyramid, and return the channels of its levels."""
    last = len(in_channels) - 1
    widths = [max(1, width // 2 ** (last - index)) for index, width in enumerate(in_channels)]
    layers = nn.ModuleList()
    for index, (entering, width) in enumerate(zip(in_channels, widths, strict=True)):
        factor = 2 ** (last - 1 - index) if index < last else 0
        resample: nn.Module
        if factor > 1:
            resample = nn.ConvTranspose2d(width, width, factor, factor)
        else:
            resample = nn.Identity() if factor else nn.Conv2d(width, width, 3, 2, padding=1)
        layers.append(nn.Sequential(_pointwise(entering, width), resample))
    return layers, widths


def _pointwise(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 1)
    nn.init.xavier_uniform_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv


def _conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.xavier_uniform_(conv.weight)
    return conv
