"""Build a segmentation head from its architecture (`build_head`); the dense prediction cell (`DenseCellHead`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nas.models.backbones.base import Level
from nas.models.graph_reasoning import KnowledgeGraph
from nas.models.heads.levels import ConcatenatedLevels
from nas.models.heads.operators import AtrousSeparable, PyramidPooling, pooling_kernel
from nas.models.heads.reference import ASPPHead, Conv1x1Head, PPMHead
from nas.models.heads.trunk import TrunkHead
from nas.models.heads.units import build_unit
from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from search_spaces.dense_cell.architecture import AtrousSeparable as AtrousSeparableOp
from search_spaces.dense_cell.architecture import Conv1x1 as Conv1x1Op
from search_spaces.dense_cell.architecture import DenseCell, Operator
from search_spaces.dense_cell.architecture import PyramidPooling as PyramidPoolingOp
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.units import SymbolicReasoning

PAPER_STRIDE = 16
"""Output stride to which the atrous rates in dense cells and in ASPP refer."""


@dataclass(frozen=True)
class HeadSetting:
    """How a head is built from its architecture.

    Attributes:
        channels: Filters of the head.
        dropout: Probability of dropping a feature in training.
        output_stride: Pixels of the image per cell of the features and of the head's output.
        crop: Height and width of the training crop in pixels; they set the dense cell's pooling windows.
        rate_multiplier: Factor on atrous rates, which refer to output stride 16; None for `rate_multiplier_for`.
        bn_momentum: Weight of the newest batch in the running statistics of batch norm.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.
    """

    channels: int = 256
    dropout: float = 0.1
    output_stride: int = 16
    crop: tuple[int, int] = (513, 513)
    rate_multiplier: int | None = None
    bn_momentum: float = BN_MOMENTUM
    knowledge: KnowledgeGraph | None = None

    def rate(self, rate: int) -> int:
        """Return the number of cells between two taps of a filter whose rate is `rate` at output stride 16."""
        factor = self.rate_multiplier
        return rate * (rate_multiplier_for(self.output_stride) if factor is None else factor)


def rate_multiplier_for(output_stride: int) -> int:
    """Return the factor on atrous rates: 16 / output_stride as in the paper (2 at stride 8), and 1 above stride 16."""
    return max(1, PAPER_STRIDE // output_stride)


def needs_knowledge(architecture: Architecture) -> bool:
    """Return whether `build_head` needs a knowledge graph for this architecture (symbolic graph reasoning)."""
    units = architecture.units if isinstance(architecture, DenseCell | ReferenceHead) else ()
    return any(isinstance(unit, SymbolicReasoning) for unit in units)


def build_head(
    architecture: Architecture,
    levels: Sequence[Level],
    setting: HeadSetting,
) -> nn.Module:
    """Build a head without logits, with random initial weights from torch's global generator.

    Args:
        architecture: A dense cell or a reference head.
        levels: Of the backbone, finest first. A head that reads one map reads the concatenation of all levels, each
            resized to the finest.
        setting: How the head is built; its output stride is that of the finest level.

    Returns:
        A module that is called with one map (N, level's channels, H, W) for each level and returns
        (N, out_channels, H, W) at the size of the finest; `out_channels` is an attribute.

    Raises:
        ValueError: The architecture is no head, or needs a knowledge graph and the setting has none.
    """
    assert setting.output_stride == levels[0].stride, "a head writes at the stride of its finest level"
    in_channels = sum(level.channels for level in levels)
    head: nn.Module
    if isinstance(architecture, DenseCell):
        head = DenseCellHead(architecture, in_channels, setting)
    elif isinstance(architecture, ReferenceHead):
        head = _build_reference_head(architecture, in_channels, setting)
    else:
        raise ValueError(f"{architecture.kind} is a whole network with its own backbone, not a head to put on one")
    return head if len(levels) == 1 else ConcatenatedLevels(head)


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


def _build_reference_head(head: ReferenceHead, in_channels: int, setting: HeadSetting) -> nn.Module:
    dropout, momentum = setting.dropout, setting.bn_momentum
    if head.name == "aspp":
        rates = [setting.rate(rate) for rate in head.rates]
        return ASPPHead(in_channels, setting.channels, rates=rates, dropout=dropout, bn_momentum=momentum)
    if head.name == "ppm":
        return PPMHead(in_channels, setting.channels, bins=head.bins, dropout=dropout, bn_momentum=momentum)
    if head.name == "trunk":
        return _build_trunk(head, in_channels, setting)
    return Conv1x1Head(in_channels, setting.channels, dropout=dropout, bn_momentum=momentum)


def _build_trunk(head: ReferenceHead, in_channels: int, setting: HeadSetting) -> TrunkHead:
    momentum, width = setting.bn_momentum, head.width
    assert width is not None, "a trunk has a width"
    unit = None
    if head.unit is not None:
        unit = build_unit(head.unit, width, knowledge=setting.knowledge, bn_momentum=momentum)
    return TrunkHead(
        in_channels, setting.channels, width=width, unit=unit, dropout=setting.dropout, bn_momentum=momentum
    )
