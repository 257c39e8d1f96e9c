"""The whole network: stem, one cell per layer along the path, ASPP, decoder, logits.

Follows the released code (TensorFlow models, research/deeplab: core/nas_network.py `hnasnet`, core/nas_cell.py,
model.py). The published architecture with 19 classes has 10,147,427 trainable parameters at 20 filters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.auto_deeplab.cell import Cell
from nas.models.auto_deeplab.decoder import Decoder
from nas.models.auto_deeplab.drop_path import ScheduledDropPath
from nas.models.auto_deeplab.stem import Stem
from nas.models.heads.reference import ASPPHead
from nas.models.layers.conv import BN_MOMENTUM, build_logits
from nas.models.layers.resampling import resize
from search_spaces.auto_deeplab.architecture import STRIDES, AutoDeepLab

ASPP_RATES = (96, 192, 288)
"""In pixels: 6, 12, 18 at stride 16, and 12, 24, 36 at stride 8, where the published path ends."""

EARLY_CELL = 2
"""The decoder reads the third cell's output (`Cell_2` in feature_extractor.py); of a shorter path, the last one."""

OUTPUT_STRIDE = 4
"""Of the logits, in pixels."""


class AutoDeepLabNetwork(nn.Module):
    """Images (N, 3, H, W), normalised -> logits (N, classes, H / 4, W / 4), sizes rounded up.

    Layer l has `filters` * 2^level channels in each of its blocks, and maps of H / stride, rounded up. A layer that
    goes up has H^{l-1} resized (bilinear, corners aligned) first. Sizes follow from the image: where the released
    code goes from n to 2n - 1 cells, this is the same for images of a multiple of 32 and one more (513, 769).
    Training needs at least two images: the pooled map of ASPP has one cell.
    """

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
    """(height, width) of a map at a stride: that of the image divided by it, rounded up."""
    return -(-images.shape[2] // stride), -(-images.shape[3] // stride)


def check_crop(architecture: AutoDeepLab, crop: tuple[int, int]) -> None:
    """ValueError where `crop` (height, width in pixels) is too small for the path's deepest layer or off its grid."""
    deepest = max(architecture.strides)
    for side in crop:
        if side < 2 * deepest or side % deepest not in (0, 1):
            raise ValueError(
                f"crop {list(crop)} does not fit a path down to stride {deepest}: "
                f"each side must be a multiple of {deepest}, or one more, and at least {2 * deepest}"
            )


def build_auto_deeplab(
    architecture: AutoDeepLab,
    num_classes: int,
    *,
    filters: int = 20,
    stem_channels: int = 64,
    aspp_channels: int = 256,
    low_level_channels: int = 48,
    decoder_channels: int = 256,
    dropout: float = 0.1,
    drop_path_keep: float = 1.0,
    total_iterations: int = 1,
    crop: tuple[int, int] | None = None,
    bn_momentum: float = BN_MOMENTUM,
) -> AutoDeepLabNetwork:
    """The network of an architecture, randomly initialised from torch's global generator.

    `filters` is the F of Auto-DeepLab-S, -M and -L: 20, 32, 48. `drop_path_keep` is the probability with which the
    last cell keeps a path after `total_iterations` training steps; see `ScheduledDropPath`. `dropout` stands behind
    ASPP. ValueError for numbers out of range and where `crop` does not fit; see `check_crop`.
    """
    if filters < 1:
        raise ValueError(f"filters must be at least 1, not {filters}")
    if crop is not None:
        check_crop(architecture, crop)
    drop_path = ScheduledDropPath(1 - drop_path_keep, len(architecture.path), total_iterations)
    stem = Stem(stem_channels, momentum=bn_momentum)
    cells = _build_cells(architecture, stem, filters, bn_momentum)
    final_stride = architecture.strides[-1]
    aspp = ASPPHead(
        cells[-1].out_channels,
        aspp_channels,
        rates=[rate // final_stride for rate in ASPP_RATES],
        dropout=dropout,
        bn_momentum=bn_momentum,
    )
    decoder = Decoder(
        aspp_channels,
        cells[: EARLY_CELL + 1][-1].out_channels,
        channels=decoder_channels,
        low_level_channels=low_level_channels,
        bn_momentum=bn_momentum,
    )
    classifier = build_logits(decoder_channels, num_classes)
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
