"""The dense prediction cell as a module (`DenseCellHead`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas.models.heads.operators import AtrousSeparable, PyramidPooling, pooling_kernel
from nas.models.heads.setting import HeadSetting
from nas.models.heads.units import build_unit
from nas.models.layers.conv import ConvBNReLU
from search_spaces.dense_cell.architecture import AtrousSeparable as AtrousSeparableOp
from search_spaces.dense_cell.architecture import Conv1x1 as Conv1x1Op
from search_spaces.dense_cell.architecture import DenseCell, Operator
from search_spaces.dense_cell.architecture import PyramidPooling as PyramidPoolingOp


class DenseCellHead(nn.Module):
    """The dense prediction cell: B branches of `channels` filters, concat, dropout, 1x1, BN, ReLU.

    (N, in, H, W) -> (N, channels, H, W). Branch i reads the features F (input -1) or an earlier branch's output.
    A unit of global reasoning keeps the shape of its input, so it acts on maps of `channels`: directly on a branch's
    output; on F after a 1x1 convolution, BN and ReLU, even where F has `channels` already.

    Source:
        Chen et al., NeurIPS 2018, section 3.2; dropout and projection as in the released code.
    """

    def __init__(self, cell: DenseCell, in_channels: int, setting: HeadSetting) -> None:
        super().__init__()
        self.out_channels = setting.channels
        self.inputs = tuple(branch.input for branch in cell.branches)
        self.branches = nn.ModuleList(
            _build_operator(branch.operator, in_channels if branch.input < 0 else None, setting)
            for branch in cell.branches
        )
        self.dropout = nn.Dropout(setting.dropout)
        self.project = ConvBNReLU(
            len(self.branches) * setting.channels, setting.channels, bn_momentum=setting.bn_momentum
        )

    def forward(self, x: Tensor) -> Tensor:
        # Pooling and depthwise convolutions are fast in channels-last memory.
        x = x.contiguous(memory_format=torch.channels_last)
        outputs: list[Tensor] = []
        for source, branch in zip(self.inputs, self.branches, strict=True):
            outputs.append(branch(x if source < 0 else outputs[source]))
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
