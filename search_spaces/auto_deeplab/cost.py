"""Parameters and multiply-adds of an Auto-DeepLab network, by formula: no network is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, STRIDES, AutoDeepLab, Edge
from search_spaces.cost import Cost

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
    parts = [*_stem(setting), *_layers(network, setting), *_aspp_and_decoder(network, setting)]
    return Cost(sum(part.parameters for part in parts), sum(part.multiply_adds for part in parts))


def _convolution(read: int, written: int, cells: int, taps: int = 1) -> Cost:
    """A full convolution without bias and its batch norm, whose output has so many cells."""
    weights = read * written * taps
    return Cost(weights + _BATCH_NORM * written, weights * cells)


def _stem(setting: NetworkSetting) -> Iterator[Cost]:
    width = setting.stem_channels
    yield _convolution(3, width, setting.cells(2), _TAPS)
    yield _convolution(width, width, setting.cells(2), _TAPS)
    yield _convolution(width, 2 * width, setting.cells(4), _TAPS)


def _layers(network: AutoDeepLab, setting: NetworkSetting) -> Iterator[Cost]:
    before, previous = setting.stem_channels, 2 * setting.stem_channels
    stride_before = STRIDES[0]
    for stride in network.strides:
        width, halves = _width(stride, setting), stride > stride_before
        # Both inputs are reduced at the size of H^{l-1}; where a layer goes to a finer stride, at the new size.
        read = setting.cells(stride_before if halves else stride)
        yield _convolution(previous, width, read)
        yield _convolution(before, width, read)
        for block in network.blocks:
            for edge in block.edges:
                yield _edge(edge, width, setting.cells(stride), halves and edge.input < FIRST_BLOCK)
        before, previous, stride_before = previous, len(network.blocks) * width, stride


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


def _aspp_and_decoder(network: AutoDeepLab, setting: NetworkSetting) -> Iterator[Cost]:
    last, early = network.strides[-1], network.strides[: _EARLY_LAYER + 1][-1]
    read, width = len(network.blocks) * _width(last, setting), setting.aspp_channels
    yield _convolution(read, width, setting.cells(last))
    for _ in range(_ASPP_RATES):
        yield _convolution(read, width, setting.cells(last), _TAPS)
    yield _convolution(read, width, 1)  # the mean of the map
    yield _convolution((_ASPP_RATES + 2) * width, width, setting.cells(last))
    low, decoder = setting.low_level_channels, setting.decoder_channels
    yield _convolution(len(network.blocks) * _width(early, setting), low, setting.cells(early))
    yield _convolution(width + low, decoder, setting.cells(STRIDES[0]), _TAPS)
    yield _convolution(decoder, decoder, setting.cells(STRIDES[0]), _TAPS)
