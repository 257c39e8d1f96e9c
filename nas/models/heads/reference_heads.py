"""Build a reference head from its description: one builder for each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from torch import nn

from nas.models.backbones.base import Level
from nas.models.heads.dpt import DPTHead
from nas.models.heads.fpn import SemanticFPNHead
from nas.models.heads.levels import ConcatenatedLevels
from nas.models.heads.linear import LinearHead
from nas.models.heads.reference import ASPPHead, Conv1x1Head, PPMHead
from nas.models.heads.segformer import SegFormerHead
from nas.models.heads.setting import HeadSetting
from nas.models.heads.trunk import TrunkHead
from nas.models.heads.units import build_unit
from nas.models.heads.upernet import UPerNetHead
from search_spaces.reference.architecture import HeadName, ReferenceHead

_OfOneMap: TypeAlias = Callable[[ReferenceHead, int, HeadSetting], nn.Module]
_OfLevels: TypeAlias = Callable[[ReferenceHead, Sequence[Level], HeadSetting], nn.Module]


def build_reference_head(head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> nn.Module:
    """Build a reference head; see `build_head`.

    Args:
        head: Its own `channels` have precedence over the setting's.
        levels: Of the backbone, finest first.
        setting: How the head is built.

    Raises:
        ValueError: The head needs several levels and there is one, or a knowledge graph and the setting has none.
    """
    head.check_levels(len(levels))
    if head.channels is not None:
        setting = replace(setting, channels=head.channels)
    if head.name in _OF_LEVELS:
        return _OF_LEVELS[head.name](head, levels, setting)
    module = _OF_ONE_MAP[head.name](head, sum(level.channels for level in levels), setting)
    return module if len(levels) == 1 else ConcatenatedLevels(module)


def _conv1x1(_head: ReferenceHead, in_channels: int, setting: HeadSetting) -> Conv1x1Head:
    return Conv1x1Head(in_channels, setting.channels, dropout=setting.dropout, bn_momentum=setting.bn_momentum)


def _linear_levels(_head: ReferenceHead, in_channels: int, setting: HeadSetting) -> LinearHead:
    return LinearHead(in_channels, bn_momentum=setting.bn_momentum)


def _aspp(head: ReferenceHead, in_channels: int, setting: HeadSetting) -> ASPPHead:
    return ASPPHead(
        in_channels,
        setting.channels,
        rates=[setting.rate(rate) for rate in head.rates],
        separable=head.name == "aspp_separable",
        dropout=setting.dropout,
        bn_momentum=setting.bn_momentum,
    )


def _ppm(head: ReferenceHead, in_channels: int, setting: HeadSetting) -> PPMHead:
    return PPMHead(
        in_channels, setting.channels, bins=head.bins, dropout=setting.dropout, bn_momentum=setting.bn_momentum
    )


def _trunk(head: ReferenceHead, in_channels: int, setting: HeadSetting) -> TrunkHead:
    momentum, width = setting.bn_momentum, head.width
    assert width is not None, "a trunk has a width"
    unit = None
    if head.unit is not None:
        unit = build_unit(head.unit, width, knowledge=setting.knowledge, bn_momentum=momentum)
    return TrunkHead(
        in_channels, setting.channels, width=width, unit=unit, dropout=setting.dropout, bn_momentum=momentum
    )


def _linear(_head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> LinearHead:
    return LinearHead(levels[-1].channels, bn_momentum=setting.bn_momentum)


def _segformer(_head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> SegFormerHead:
    return SegFormerHead(_channels(levels), setting.channels, dropout=setting.dropout, bn_momentum=setting.bn_momentum)


def _fpn(_head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> SemanticFPNHead:
    return SemanticFPNHead(_channels(levels), _strides(levels), setting.channels, dropout=setting.dropout)


def _upernet(head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> UPerNetHead:
    return UPerNetHead(
        _channels(levels),
        setting.channels,
        bins=head.bins,
        dropout=setting.dropout,
        bn_momentum=setting.bn_momentum,
    )


def _dpt(_head: ReferenceHead, levels: Sequence[Level], setting: HeadSetting) -> DPTHead:
    return DPTHead(
        _channels(levels),
        _strides(levels),
        setting.channels,
        dropout=setting.dropout,
        bn_momentum=setting.bn_momentum,
    )


def _channels(levels: Sequence[Level]) -> list[int]:
    return [level.channels for level in levels]


def _strides(levels: Sequence[Level]) -> list[int]:
    return [level.stride for level in levels]


_OF_ONE_MAP: Mapping[HeadName, _OfOneMap] = {
    "conv1x1": _conv1x1,
    "aspp": _aspp,
    "aspp_separable": _aspp,
    "ppm": _ppm,
    "trunk": _trunk,
    "linear_levels": _linear_levels,
}
"""Builders of heads that read one map; several levels are concatenated to one."""

_OF_LEVELS: Mapping[HeadName, _OfLevels] = {
    "linear": _linear,
    "segformer": _segformer,
    "fpn": _fpn,
    "upernet": _upernet,
    "dpt": _dpt,
}
"""Builders of heads that are called with every level."""
