"""Diagrams of the reference heads that read several feature maps of a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nas.drawing.drawing import Drawing, frame
from nas.drawing.pyramid import Box, Column, Sum, Upward, pyramid_panel
from nas.drawing.setting import Setting
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.text import architecture_text

USUAL_STRIDES = (4, 8, 16, 32)
"""Strides of the levels that are drawn where the setting has one map: those that the papers' backbones give."""


class _Diagram(NamedTuple):
    columns: tuple[Column, ...]
    upward: Upward | None
    join: str | None
    final: str
    description: str


def draw_pyramid(head: ReferenceHead, setting: Setting) -> Drawing:
    """Draw a head of several levels.

    Args:
        head: One of `SEVERAL_LEVELS`.
        setting: Its strides are the levels; with a single one, the usual four are drawn.
    """
    strides = setting.strides if len(setting.strides) > 1 else USUAL_STRIDES
    channels = "C" if setting.channels is None else str(setting.channels)
    match head.name:
        case "linear_levels":
            diagram = _linear(strides)
        case "segformer":
            diagram = _segformer(strides, channels)
        case "fpn":
            diagram = _fpn(strides, setting.channels)
        case "upernet":
            diagram = _upernet(strides, channels, head.bins)
        case _:
            diagram = _dpt(strides, channels)
    levels = ", ".join(map(str, strides))
    width = "" if setting.channels is not None or head.name == "linear_levels" else "C filters, those of the fidelity"
    return frame(
        architecture_text(head),
        [f"feature maps of stride {levels}", width],
        [pyramid_panel(_maps(strides), diagram.columns, diagram.upward, diagram.join, diagram.final)],
        [],
        f"Reads maps of stride {levels}. {diagram.description} Then {diagram.final}.",
    )


def _maps(strides: Sequence[int]) -> list[tuple[str, ...]]:
    if len(set(strides)) < len(strides):
        return [(f"map {number}", f"stride {stride}") for number, stride in enumerate(strides, 1)]
    return [("stride", str(stride)) for stride in strides]


def _resize(strides: Sequence[int]) -> Column:
    # Maps of the finest stride have its size already.
    box = Box(("resize", f"to stride {strides[0]}"), "wire")
    return Column(tuple(None if stride == strides[0] else box for stride in strides))


def _same(box: Box, strides: Sequence[int]) -> Column:
    return Column((box,) * len(strides))


def _linear(strides: Sequence[int]) -> _Diagram:
    return _Diagram(
        (_resize(strides),), None, "concat", "batch norm",
        "Each map is resized to the finest; all are concatenated.",
    )  # fmt: skip


def _segformer(strides: Sequence[int], channels: str) -> _Diagram:
    return _Diagram(
        (_same(Box(("linear", f"to {channels}"), "pointwise"), strides), _resize(strides)),
        None,
        "concat",
        f"linear, BN, ReLU: {channels} filters",
        f"Each map passes a linear layer to {channels} channels and is resized to the finest; all are concatenated.",
    )


def _sums(levels: int) -> Column:
    return Column((*(Sum() for _ in range(levels - 1)), None))


def _fpn(strides: Sequence[int], channels: int | None) -> _Diagram:
    pyramid = "2C" if channels is None else str(2 * channels)
    width = "C" if channels is None else str(channels)
    return _Diagram(
        (
            _same(Box(("1×1 conv", f"to {pyramid}"), "pointwise"), strides),
            _sums(len(strides)),
            _same(Box(("3×3 conv", f"{pyramid} filters"), "convolution"), strides),
            Column(tuple(_stages(stride // strides[0]) for stride in strides)),
        ),
        Upward(None, "nearest"),
        "add",
        f"{width} channels at stride {strides[0]}",
        f"Each map passes a 1x1 convolution to {pyramid} channels. From the coarsest on, each is resized and "
        "added to the next finer one, and each sum passes a 3x3 convolution, then stages of 3x3 convolution, group "
        "norm, ReLU and doubling up to the size of the finest. All are added.",
    )


def _stages(factor: int) -> Box:
    # A map that is so many times coarser than the finest passes a stage for each doubling, the finest one without.
    doublings = factor.bit_length() - 1
    norm = "GN, ReLU, ×2" if doublings else "GN, ReLU"
    return Box(("3×3 conv", norm, *((f"{doublings} times",) if doublings > 1 else ())), "convolution")


def _upernet(strides: Sequence[int], channels: str, bins: Sequence[int]) -> _Diagram:
    levels = len(strides)
    lateral = Box(("1×1 conv", f"to {channels}"), "pointwise")
    context = Box(("pooling", " ".join(map(str, bins)), "3×3 conv"), "pooling")
    smooth = Box(("3×3 conv", channels if channels == "C" else f"{channels} filters"), "convolution")
    return _Diagram(
        (
            Column((*(lateral,) * (levels - 1), context)),
            _sums(levels),
            Column((*(smooth,) * (levels - 1), None)),
            _resize(strides),
        ),
        Upward(None, "resize"),
        "concat",
        f"3×3 conv, BN, ReLU: {channels} filters",
        f"The coarsest map passes pyramid pooling with {', '.join(map(str, bins))} bins per axis and a 3x3 "
        f"convolution, the others a 1x1 convolution to {channels} channels. From the coarsest on, each is "
        "resized and added to the next finer one; each sum passes a 3x3 convolution. All are resized to the finest and "
        "concatenated.",
    )


def _dpt(strides: Sequence[int], channels: str) -> _Diagram:
    levels = len(strides)
    equal = len(set(strides)) < levels
    unit = Box(("residual", "2 × ReLU,", "3×3 conv"), "convolution")
    leave = Box(("residual", "2 × ReLU,", "3×3; 1×1"), "convolution")
    columns = [
        _same(Box(("3×3 conv", f"to {channels}"), "convolution"), strides),
        Column((*(unit,) * (levels - 1), None)),
        _sums(levels),
        _same(leave, strides),
    ]
    if equal:
        columns.insert(0, Column(tuple(_reassembly(levels - 2 - level) for level in range(levels))))
    reassembled = "The maps are reassembled to a pyramid by strided convolutions. " if equal else ""
    return _Diagram(
        tuple(columns),
        Upward(len(columns) - 1, "resize"),
        None,
        f"3×3 conv, BN, ReLU: {channels} filters",
        f"{reassembled}Each map passes a 3x3 convolution to {channels} channels. From the coarsest on, each passes a "
        "residual unit of two 3x3 convolutions and a 1x1 convolution, and is resized and added to the next finer one, "
        "which has passed a residual unit. The finest goes on.",
    )


def _reassembly(doublings: int) -> Box:
    if doublings < 0:
        return Box(("1×1 conv", "3×3 conv", "stride 2"), "pointwise")
    return Box(("1×1 conv", f"enlarged ×{2**doublings}") if doublings else ("1×1 conv",), "pointwise")
