"""Build a segmentation head from its architecture (`build_head`)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from nas.models.backbones.base import Level
from nas.models.heads.dense_cell import DenseCellHead
from nas.models.heads.levels import ConcatenatedLevels
from nas.models.heads.reference import ASPPHead, Conv1x1Head, PPMHead
from nas.models.heads.setting import HeadSetting
from nas.models.heads.trunk import TrunkHead
from nas.models.heads.units import build_unit
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.units import SymbolicReasoning


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
