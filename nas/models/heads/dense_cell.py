"""The dense prediction cell as a module (`DenseCellHead`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from nas.models.heads.operators import AtrousSeparable, PyramidPooling
from nas.models.heads.setting import HeadSetting
from nas.models.heads.units import build_unit
from nas.models.layers.conv import ConvBNReLU
from nas.models.layers.resampling import upsample
from nas.models.layers.tracing import in_channels_last
from search_spaces.dense_cell.architecture import AtrousSeparable as AtrousSeparableOp
from search_spaces.dense_cell.architecture import Conv1x1 as Conv1x1Op
from search_spaces.dense_cell.architecture import DenseCell, Operator
from search_spaces.dense_cell.architecture import PyramidPooling as PyramidPoolingOp
from search_spaces.dense_cell.geometry import pooling_kernel


class DenseCellHead(nn.Module):
    """The dense prediction cell: B branches of `channels` filters, concat, dropout, 1x1, BN, ReLU.

    One map (N, in_i, H_i, W_i) for each level that the cell reads, finest first -> (N, channels, H_1, W_1). Branch i
    reads the features F (input -1) or an earlier branch's output. Input -2 is the second level, resized to the first
    one's size; so an operator's rates and windows mean the same on every level. A cell with `channels` has that width,
    others that of the setting.

    A unit of global reasoning keeps the shape of its input, so it acts on maps of `channels`: directly on a branch's
    output; on F after a 1x1 convolution, BN and ReLU, even where F has `channels` already.

    Source:
        Chen et al., NeurIPS 2018, section 3.2; dropout and projection as in the released code.
    """

    def __init__(self, cell: DenseCell, in_channels: Sequence[int], setting: HeadSetting) -> None:
        super().__init__()
        assert len(in_channels) == cell.maps
        setting = setting if cell.channels is None else replace(setting, channels=cell.channels)
        self.out_channels = setting.channels
        self.inputs = tuple(branch.input for branch in cell.branches)
        self.branches = nn.ModuleList(
            _build_operator(branch.operator, in_channels[-1 - branch.input] if branch.input < 0 else None, setting)
            for branch in cell.branches
        )
        self.dropout = nn.Dropout(setting.dropout)
        self.project = ConvBNReLU(
            len(self.branches) * setting.channels, setting.channels, bn_momentum=setting.bn_momentum
        )

    def forward(self, *levels: Tensor) -> Tensor:
        size = (levels[0].shape[2], levels[0].shape[3])
        # Pooling and depthwise convolutions are fast in channels-last memory.
        maps = {
            -position: in_channels_last(upsample(level, size))
            for position, level in enumerate(levels, 1)
            if -position in self.inputs
        }
        outputs: list[Tensor] = []
        for source, branch in zip(self.inputs, self.branches, strict=True):
            outputs.append(branch(maps[source] if source < 0 else outputs[source]))
        y: Tensor = self.project(self.dropout(torch.cat(outputs, 1)))
        return y


def _build_operator(operator: Operator, features: int | None, setting: HeadSetting) -> nn.Module:
    """Build a branch; `features` is the number of channels of F, None where the branch reads another branch."""
    momentum, in_channels = setting.bn_momentum, setting.channels if features is None else features
    if isinstance(operator, Conv1x1Op):
        return ConvBNReLU(in_channels, setting.channels, bn_momentum=momentum)
    if isinstance(operator, AtrousSeparableOp):
        rate = (setting.rate(operator.rate[0]), setting.rate(operator.rate[1]))
        return AtrousSeparable(in_channels, setting.channels, rate, bn_momentum=momentum)
    if isinstance(operator, PyramidPoolingOp):
        return _build_pooling(operator, in_channels, setting)
    entry = None if features is None else ConvBNReLU(features, setting.channels, bn_momentum=momentum)
    unit = build_unit(operator, setting.channels, knowledge=setting.knowledge, bn_momentum=momentum)
    return unit if entry is None else nn.Sequential(entry, unit)


def _build_pooling(operator: PyramidPoolingOp, in_channels: int, setting: HeadSetting) -> PyramidPooling:
    kernel = (
        pooling_kernel(setting.crop[0], setting.output_stride, operator.grid[0]),
        pooling_kernel(setting.crop[1], setting.output_stride, operator.grid[1]),
    )
    return PyramidPooling(in_channels, setting.channels, kernel, bn_momentum=setting.bn_momentum)
