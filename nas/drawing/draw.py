"""Draw any architecture: `nas.draw`, `segnas draw`, and the drawings that the service serves."""

from __future__ import annotations

from nas.drawing.auto_deeplab import draw_auto_deeplab
from nas.drawing.dense_cell import draw_dense_cell
from nas.drawing.drawing import Drawing
from nas.drawing.heads import draw_reference_head
from nas.drawing.setting import Setting
from nas.drawing.trellis import Beta
from nas.sources import Source, read_source, searched_fidelity
from nas.specs import Fidelity
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture


def draw(source: Source, *, fidelity: Fidelity | None = None, beta: Beta | None = None) -> Drawing:
    """Draw an architecture as SVG; in a notebook the drawing shows itself, and its `save` writes a file.

    A dense prediction cell and ASPP have their rates and grids to scale on the crop's feature map; an Auto-DeepLab
    network has its cell, and its path on the trellis.

    Args:
        source: Path of a JSON file, its parsed content, a document, or an architecture.
        fidelity: Its crop, levels, rate multiplier and channels are drawn; by default the one that the document was
            searched at or, where it names none, crops of 513 pixels at stride 16.
        beta: Probabilities of an Auto-DeepLab's trellis as a snapshot has them; edges then are as wide as they are
            likely.

    Raises:
        ValueError: The source is no architecture, or `beta` does not belong to it.
    """
    document = read_source(source, "draw")
    searched = searched_fidelity(document) if fidelity is None else fidelity
    return draw_architecture(document.architecture, Setting() if searched is None else Setting.of(searched), beta)


def draw_architecture(architecture: Architecture, setting: Setting, beta: Beta | None = None) -> Drawing:
    """Draw an architecture in a setting; see `draw`.

    Raises:
        ValueError: `beta` does not belong to the architecture.
    """
    if isinstance(architecture, AutoDeepLab):
        return draw_auto_deeplab(architecture, beta, setting.levels)
    if beta is not None:
        raise ValueError(f"beta belongs to auto_deeplab, and this is a {architecture.kind}: leave it out")
    if isinstance(architecture, DenseCell):
        return draw_dense_cell(architecture, setting)
    return draw_reference_head(architecture, setting)
