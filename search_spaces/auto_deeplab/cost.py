"""Parameters and multiply-adds of an Auto-DeepLab network, by formula: no network is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, STRIDES, AutoDeepLab, Block, Edge
from search_spaces.cost import Cost, total

_TAPS = 9
"""Weights of a 3x3 filter."""

_BATCH_NORM = 2
"""Trainable parameters of batch norm per channel."""

_ASPP_RATES = 3
"""Atrous convolutions of the network's ASPP."""

_EARLY_LAYER = 2
"""The layer that the decoder reads; a shorter path's last one."""


@dataclass(frozen=True)
class NetworkSetting:
    """What the cost of a network depends on beside its cell and its path.

    Attributes:
        filters: F, channels of a block at stride 4; at stride s it has F * s / 4.
        stem_channels: Of the stem's first two convolutions; its output has twice as many.
        aspp_channels: Of each branch of the ASPP and of its output.
        low_level_channels: To which the decoder reduces the output of an early cell.
        decoder_channels: Of the decoder's two convolutions, whose output the logits read.
        crop: Height and width of the image in pixels.
    """

    filters: int
    stem_channels: int
    aspp_channels: int
    low_level_channels: int
    decoder_channels: int
    crop: tuple[int, int]

    def cells(self, stride: int) -> int:
        """Return the number of cells of a map at a stride."""
        height, width = self.crop
        return (-(-height // stride)) * (-(-width // stride))


def network_cost(network: AutoDeepLab, setting: NetworkSetting) -> Cost:
    """Count the parameters and multiply-adds of a network without its logits, as torch counts them.

    The logits, a biased 1x1 convolution from the decoder's channels to the classes at stride 4, cost the same for all
    networks. Batch norm has two parameters per channel and counts no multiply-adds, nor do pooling and resizing.

    Args:
        network: Cell and path.
        setting: Its widths and the crop.
    """
    strides, blocks = network.strides, network.blocks
    parts = [whatever_network_cost(setting)]
    parts += [layer_cost(blocks, strides[: layer + 1], setting) for layer in range(len(strides))]
    parts += [early_layer_cost(len(blocks), strides[early_layer(len(strides))], setting)]
    parts += [last_layer_cost(len(blocks), strides[-1], setting)]
    return total(parts)


def whatever_network_cost(setting: NetworkSetting) -> Cost:
    """Count what all networks of a setting have in common: the stem, and the decoder behind its 1x1 convolution."""
    decoder = setting.decoder_channels
    return total(
        [
            *_stem(setting),
            _convolution(setting.aspp_channels + setting.low_level_channels, decoder, setting.cells(STRIDES[0]), _TAPS),
            _convolution(decoder, decoder, setting.cells(STRIDES[0]), _TAPS),
        ]
    )


def layer_cost(blocks: Sequence[Block], strides: Sequence[int], setting: NetworkSetting) -> Cost:
    """Count a layer: the reductions of its two inputs, and its cell.

    Args:
        blocks: Of the cell.
        strides: Of the layers up to this one, of which the last three matter.
        setting: Widths and crop.
    """
    *earlier, stride = strides
    before, previous = _channels(len(blocks), earlier, setting)
    stride_before = earlier[-1] if earlier else STRIDES[0]
    width, halves = _width(stride, setting), stride > stride_before
    # Both inputs are reduced at the size of H^{l-1}; where a layer goes to a finer stride, at the new size.
    read = setting.cells(stride_before if halves else stride)
    edges = [
        _edge(edge, width, setting.cells(stride), halves and edge.input < FIRST_BLOCK)
        for block in blocks
        for edge in block.edges
    ]
    return total([_convolution(previous, width, read), _convolution(before, width, read), *edges])


def early_layer(layers: int) -> int:
    """Return the layer whose output the decoder reads: the third, or the last of a shorter path."""
    return min(_EARLY_LAYER, layers - 1)


def early_layer_cost(blocks: int, stride: int, setting: NetworkSetting) -> Cost:
    """Count the decoder's 1x1 convolution, which reads the cell of `early_layer`, at this stride."""
    return _convolution(blocks * _width(stride, setting), setting.low_level_channels, setting.cells(stride))


def last_layer_cost(blocks: int, stride: int, setting: NetworkSetting) -> Cost:
    """Count the ASPP, which reads the last layer's cell, at this stride."""
    read, width, cells = blocks * _width(stride, setting), setting.aspp_channels, setting.cells(stride)
    return total(
        [
            _convolution(read, width, cells),
            *[_convolution(read, width, cells, _TAPS)] * _ASPP_RATES,
            _convolution(read, width, 1),  # the mean of the map
            _convolution((_ASPP_RATES + 2) * width, width, cells),
        ]
    )


def _convolution(read: int, written: int, cells: int, taps: int = 1) -> Cost:
    """A full convolution without bias and its batch norm, whose output has so many cells."""
    weights = read * written * taps
    return Cost(weights + _BATCH_NORM * written, weights * cells)


def _stem(setting: NetworkSetting) -> Iterator[Cost]:
    width = setting.stem_channels
    yield _convolution(3, width, setting.cells(2), _TAPS)
    yield _convolution(width, width, setting.cells(2), _TAPS)
    yield _convolution(width, 2 * width, setting.cells(4), _TAPS)


def _channels(blocks: int, earlier: Sequence[int], setting: NetworkSetting) -> tuple[int, int]:
    """Channels of H^{l-2} and of H^{l-1}, which the stem gives where no layer is before."""
    stem = [setting.stem_channels, 2 * setting.stem_channels]
    before, previous = [*stem, *(blocks * _width(stride, setting) for stride in earlier)][-2:]
    return before, previous


def _width(stride: int, setting: NetworkSetting) -> int:
    return setting.filters * stride // STRIDES[0]


def _edge(edge: Edge, width: int, cells: int, halves: bool) -> Cost:
    match edge.operator:
        case "sep_3x3" | "sep_5x5":
            depthwise = width * _taps(edge.operator)
            pointwise = _convolution(width, width, cells)
            return Cost(2 * (depthwise + pointwise.parameters), 2 * (depthwise * cells + pointwise.multiply_adds))
        case "atrous_3x3" | "atrous_5x5":
            return _convolution(width, width, cells, _taps(edge.operator))
        case "skip" if halves:
            return _convolution(width, width, cells)
    return Cost(0, 0)


def _taps(operator: str) -> int:
    return int(operator[-1]) ** 2
