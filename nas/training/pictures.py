"""Pictures of predictions beside the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from nas.atomic import write_atomically
from nas.data.class_maps import colour
from nas.data.crops import CropSource
from nas.data.dataset import IGNORE, SegmentationDataset, Uint8
from nas.data.examples import choose_rows
from nas.models.layers.resampling import upsample
from nas.models.networks import Network
from nas.training.loop.pixels import to_network

MARGIN = 8
TITLE = 20
LEGEND_ROW, LEGEND_ENTRY = 22, 130
SWATCH = 14
WIDEST = 640
"""Panels wider than this many pixels are shrunk."""

INK, PAPER = (30, 30, 30), (255, 255, 255)


@torch.inference_mode()
def predict(network: Network, images: Uint8, device: torch.device) -> Uint8:
    """Predict the class of each pixel.

    Args:
        network: In evaluation mode, on `device`.
        images: `(n, H, W, 3)`, 0 to 255.
        device: Where the images are moved.

    Returns:
        Classes, `(n, H, W)`.
    """
    logits = network(to_network(torch.from_numpy(images).to(device), network.preprocessing)).float()
    classes: Uint8 = upsample(logits, (images.shape[1], images.shape[2])).argmax(1).to(torch.uint8).cpu().numpy()
    return classes


def draw_predictions(
    network: Network,
    source: CropSource,
    dataset: SegmentationDataset,
    path: Path,
    device: torch.device,
    *,
    rows: int = 4,
) -> None:
    """Write a PNG with a row of image, ground truth and prediction for each of some images, above a legend.

    Ignored pixels are black in the ground truth. The legend lists the classes of all label maps and predictions.

    Args:
        network: In evaluation mode, on `device`.
        source: The crops to choose images from.
        dataset: The data set of the source, for class names and colours.
        path: The PNG, written atomically.
        device: Where images are moved.
        rows: Number of images, chosen for their classes.
    """
    panels: list[tuple[Uint8, Uint8, Uint8]] = []
    for row in choose_rows(source, dataset.num_classes, rows):
        image, label = source.row(row)
        panels.append((image, label, predict(network, image[None], device)[0]))
    present = np.unique(np.concatenate([np.concatenate([label, guess], None) for _, label, guess in panels]))
    picture = _grid(panels, dataset.palette, dataset.class_names, [c for c in present.tolist() if c != IGNORE])
    write_atomically(path, lambda temporary: picture.save(temporary, format="PNG"))


def _grid(
    panels: list[tuple[Uint8, Uint8, Uint8]], palette: Uint8, names: Sequence[str], present: list[int]
) -> Image.Image:
    height, width = panels[0][1].shape
    shrink = min(1.0, WIDEST / width)
    size = (round(width * shrink), round(height * shrink))
    canvas_width = MARGIN + 3 * (size[0] + MARGIN)
    font = ImageFont.load_default(12)
    entry = max([LEGEND_ENTRY, *(SWATCH + 6 + MARGIN + round(font.getlength(names[c])) for c in present)])
    columns = max(1, (canvas_width - MARGIN) // entry)
    legend = LEGEND_ROW * -(-len(present) // columns)
    canvas = Image.new("RGB", (canvas_width, TITLE + len(panels) * (size[1] + MARGIN) + MARGIN + legend), PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, title in enumerate(("image", "ground truth", "prediction")):
        draw.text((MARGIN + column * (size[0] + MARGIN), 3), title, INK, font)
    for row, (image, label, guess) in enumerate(panels):
        for column, pixels in enumerate((image, colour(label, palette), colour(guess, palette))):
            panel = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if column else Image.Resampling.BOX)
            canvas.paste(panel, (MARGIN + column * (size[0] + MARGIN), TITLE + row * (size[1] + MARGIN)))
    top = TITLE + len(panels) * (size[1] + MARGIN)
    for index, c in enumerate(present):
        x, y = MARGIN + index % columns * entry, top + index // columns * LEGEND_ROW
        draw.rectangle((x, y, x + SWATCH, y + SWATCH), tuple(palette[c].tolist()), INK)
        draw.text((x + SWATCH + 6, y), names[c], INK, font)
    return canvas
