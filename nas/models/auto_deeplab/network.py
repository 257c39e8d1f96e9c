"""The decoded Auto-DeepLab network: stem, one cell per layer along the path, ASPP, decoder, logits.

It follows the released code (TensorFlow models, research/deeplab: core/nas_network.py `hnasnet`, core/nas_cell.py,
model.py). The published architecture with 19 classes has 10,147,427 trainable parameters at 20 filters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.auto_deeplab.cell import Cell
from nas.models.auto_deeplab.drop_path import ScheduledDropPath
from nas.models.auto_deeplab.stem import Stem
from nas.models.heads.decoder import Decoder
from nas.models.heads.reference import ASPPHead
from nas.models.layers.conv import build_logits
from nas.models.layers.resampling import resize
from nas.specs import NetworkSpec
from nas.specs.crops import check_crop
from nas.weights.preprocessing import IMAGENET, Preprocessing
from search_spaces.auto_deeplab.architecture import STRIDES, AutoDeepLab

ASPP_RATES = (96, 192, 288)
"""Atrous rates of ASPP in pixels: 6, 12, 18 cells at stride 16; 12, 24, 36 at stride 8, the published path's last."""

EARLY_CELL = 2
"""Index of the cell that the decoder reads (`Cell_2` in feature_extractor.py); a shorter path uses its last cell."""

OUTPUT_STRIDE = 4
"""Stride of the logits in pixels."""

AUTO_DEEPLAB_S = NetworkSpec()
"""Auto-DeepLab-S: F = 20."""


class AutoDeepLabNetwork(nn.Module):
    """The decoded network: normalised images (N, 3, H, W) -> logits (N, classes, H / 4, W / 4), sizes rounded up.

    Layer l has `filters` * 2^level channels in each of its blocks and maps of H / stride, rounded up. A layer that
    goes to a finer stride resizes H^{l-1} (bilinear, corners aligned) first. Sizes are computed from the image; the
    released code goes from n to 2n - 1 cells, which is the same for sides of a multiple of 32 plus one (513, 769).
    Training needs at least two images, since the pooled map of ASPP has one cell.
    """

    preprocessing: Preprocessing = IMAGENET
    """How pixels become the images that the network maps: it is trained from the start, with ImageNet's."""

    def __init__(
        self,
        strides: Sequence[int],
        stem: Stem,
        cells: Sequence[Cell],
        *,
        aspp: ASPPHead,
        decoder: Decoder,
        classifier: nn.Conv2d,
        drop_path: ScheduledDropPath,
    ) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.stem = stem
        self.cells = nn.ModuleList(cells)
        self.aspp = aspp
        self.decoder = decoder
        self.classifier = classifier
        self.drop_path = drop_path

    def forward(self, images: Tensor) -> Tensor:
        """Logits at stride 4; the caller resizes."""
        before, previous = self.stem(images)
        stride, early = OUTPUT_STRIDE, previous
        for layer, (cell, drop) in enumerate(zip(self.cells, self.drop_path.next_step(), strict=True)):
            if self.strides[layer] < stride:
                previous = resize(previous, cells_at(images, self.strides[layer]))
            before, previous, stride = previous, cell(previous, before, drop), self.strides[layer]
            if layer <= EARLY_CELL:
                early = previous
        context = self.aspp(F.relu(previous))
        logits: Tensor = self.classifier(self.decoder(context, early, cells_at(images, OUTPUT_STRIDE)))
        return logits


def cells_at(images: Tensor, stride: int) -> tuple[int, int]:
    """Return (height, width) of a map at `stride`: the sides of the images divided by the stride, rounded up."""
    # Rounded up as a strided convolution writes it, so that sizes that are symbols are recognised as equal.
    return (images.shape[2] - 1) // stride + 1, (images.shape[3] - 1) // stride + 1


def build_auto_deeplab(
    architecture: AutoDeepLab,
    num_classes: int,
    network: NetworkSpec = AUTO_DEEPLAB_S,
    *,
    iterations: int = 1,
    crop: tuple[int, int] | None = None,
) -> AutoDeepLabNetwork:
    """Build the network of an architecture, with random initial weights from torch's global generator.

    Args:
        architecture: Cell and path.
        num_classes: Channels of the logits.
        network: Channels of every part, dropout, the probability of dropping a path, batch norm's momentum.
        iterations: Training steps over which the probability of dropping a path rises.
        crop: Height and width of the training crop in pixels, to be checked; None for no check.

    Raises:
        ValueError: A number is out of range, or `crop` does not fit (see `check_crop`).
    """
    if crop is not None:
        check_crop(architecture, crop)
    bn_momentum = network.bn_momentum
    drop_path = ScheduledDropPath(network.drop_path, len(architecture.path), iterations)
    stem = Stem(network.stem_channels, momentum=bn_momentum)
    cells = _build_cells(architecture, stem, network.filters, bn_momentum)
    final_stride = architecture.strides[-1]
    aspp = ASPPHead(
        cells[-1].out_channels,
        network.aspp_channels,
        rates=[rate // final_stride for rate in ASPP_RATES],
        dropout=network.dropout,
        bn_momentum=bn_momentum,
    )
    decoder = Decoder(
        network.aspp_channels,
        cells[: EARLY_CELL + 1][-1].out_channels,
        channels=network.decoder_channels,
        low_level_channels=network.low_level_channels,
        bn_momentum=bn_momentum,
    )
    classifier = build_logits(network.decoder_channels, num_classes)
    return AutoDeepLabNetwork(
        architecture.strides, stem, cells, aspp=aspp, decoder=decoder, classifier=classifier, drop_path=drop_path
    )


def _build_cells(architecture: AutoDeepLab, stem: Stem, filters: int, momentum: float) -> list[Cell]:
    cells: list[Cell] = []
    widths = [stem.half_channels, stem.quarter_channels]
    level_before = STRIDES.index(OUTPUT_STRIDE)
    for level in architecture.path:
        cell = Cell(
            architecture.blocks,
            widths[-1],
            widths[-2],
            filters * 2**level,
            halves=level > level_before,
            momentum=momentum,
        )
        cells.append(cell)
        widths.append(cell.out_channels)
        level_before = level
    return cells
