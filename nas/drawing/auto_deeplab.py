"""The drawing of an Auto-DeepLab network: its path on the trellis, and its cell."""

from __future__ import annotations

from nas.drawing.cell import cell_panel
from nas.drawing.drawing import Drawing, frame
from nas.drawing.trellis import Beta, scale_panel, trellis_panel
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab
from search_spaces.text import cell_lines


def draw_auto_deeplab(network: AutoDeepLab, beta: Beta | None = None, levels: int | None = None) -> Drawing:
    """Draw a network, with the probabilities of a differentiable search where they are given.

    Args:
        network: Path and cell; the blocks are numbered as they are written.
        beta: Probabilities of the edges that leave each node of the trellis, as a snapshot has them.
        levels: Number of strides of the trellis; None for as many as there are. Not read with `beta`, which tells it.

    Raises:
        ValueError: `beta` does not belong to a trellis of so many layers.
    """
    published = network.path == PUBLISHED_AUTO_DEEPLAB.path and network == PUBLISHED_AUTO_DEEPLAB
    strides = ", ".join(map(str, network.strides))
    layers, blocks = len(network.path), len(network.blocks)
    panels = [trellis_panel(network.path, beta, levels), cell_panel(network.blocks)]
    if beta is not None:
        panels.insert(1, scale_panel())
    return frame(
        "Published Auto-DeepLab" if published else "Auto-DeepLab network",
        [f"{layers} layers, {blocks} block" + "s" * (blocks > 1), f"strides {strides}"],
        panels,
        [
            "Above: the stride of each layer, from the stem to ASPP. Below: the cell of every layer.",
            "Small squares: the cells that a kernel reads, to scale.",
        ],
        f"The layers have the strides {strides}. The cell: {'; '.join(cell_lines(network))}; blocks are concatenated.",
    )
