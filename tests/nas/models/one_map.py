"""Heads on a backbone with a single feature map, as most tests need them."""

from typing import Any

from torch import nn

from nas.models.backbones.base import Level
from nas.models.heads import build
from nas.models.heads.setting import HeadSetting
from search_spaces.document import Architecture


def build_head(architecture: Architecture, in_channels: int, **setting: Any) -> nn.Module:
    """Build the head of an architecture on one map of `in_channels`; `setting` holds fields of `HeadSetting`."""
    chosen = HeadSetting(**setting)
    return build.build_head(architecture, [Level(chosen.output_stride, in_channels)], chosen)
