"""What rates and grids of a dense prediction cell mean on a feature map: the factor on rates, the pooling window."""

from __future__ import annotations

PAPER_STRIDE = 16
"""Output stride to which the atrous rates in dense cells and in ASPP refer."""


def rate_multiplier_for(output_stride: int) -> int:
    """Return the factor on atrous rates: 16 / output_stride as in the paper (2 at stride 8), and 1 above stride 16."""
    return max(1, PAPER_STRIDE // output_stride)


def pooling_kernel(crop: int, output_stride: int, grid: int) -> int:
    """Return the side of the pooling window in cells: int((crop - 1) / (output_stride * grid) + 1), at least 1.

    Crop 513 at stride 16 (33 cells) has windows of 33, 17, 9, 5 cells for grids 1, 2, 4, 8. `crop` is one side in
    pixels.
    """
    return int((crop - 1) / (output_stride * grid) + 1)
