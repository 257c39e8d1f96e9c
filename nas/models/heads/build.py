"""Build a segmentation head from its architecture (`build_head`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from nas.models.backbones.base import Level
from nas.models.heads.decoder import DecodedHead, Decoder
from nas.models.heads.dense_cell import DenseCellHead
from nas.models.heads.levels import ConcatenatedLevels
from nas.models.heads.reference_heads import build_reference_head
from nas.models.heads.setting import HeadSetting
from nas.specs import DecoderSpec
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
            resized to the finest; a cell with `levels` of its own reads these levels one by one. With a decoder the
            finest level is the decoder's.
        setting: How the head is built; its output stride is that of the finest level.

    Returns:
        A module that is called with one map (N, level's channels, H, W) for each level and returns
        (N, out_channels, H, W) at the size of the finest; `out_channels` is an attribute. DPT on maps of one stride
        gives a finer map.

    Raises:
        ValueError: The architecture is no head, reads other levels or more of them, needs a knowledge graph and the
            setting has none; or the decoder's level is not the finest of several.
    """
    assert setting.output_stride == levels[0].stride, "a head writes at the stride of its finest level"
    if setting.decoder is not None:
        return _build_decoded(architecture, levels, setting, setting.decoder)
    if isinstance(architecture, ReferenceHead):
        return build_reference_head(architecture, levels, setting)
    if isinstance(architecture, DenseCell):
        return _build_cell(architecture, levels, setting)
    raise ValueError(f"{architecture.kind} is a whole network with its own backbone, not a head to put on one")


def _build_cell(cell: DenseCell, levels: Sequence[Level], setting: HeadSetting) -> nn.Module:
    if cell.levels is None:
        head = DenseCellHead(cell, [sum(level.channels for level in levels)], setting)
        return head if len(levels) == 1 else ConcatenatedLevels(head)
    strides = tuple(level.stride for level in levels)
    if cell.levels != strides:
        raise ValueError(
            f"the cell reads the levels {list(cell.levels)}, but the backbone gives {list(strides)}: set "
            "backbone.levels to those of the cell"
        )
    return DenseCellHead(cell, [level.channels for level in levels], setting)


def _build_decoded(
    architecture: Architecture, levels: Sequence[Level], setting: HeadSetting, decoder: DecoderSpec
) -> DecodedHead:
    finest, *coarser = levels
    if not coarser or finest.stride != decoder.level:
        strides = ", ".join(str(level.stride) for level in levels)
        raise ValueError(
            f"the decoder reads the map of stride {decoder.level} and the head coarser ones; the levels are {strides}"
        )
    head = build_head(architecture, coarser, replace(setting, decoder=None, output_stride=coarser[0].stride))
    assert isinstance(head.out_channels, int)
    return DecodedHead(
        head,
        Decoder(
            head.out_channels,
            finest.channels,
            channels=decoder.channels,
            low_level_channels=decoder.low_level_channels,
            separable=decoder.separable,
            bn_momentum=setting.bn_momentum,
        ),
    )
