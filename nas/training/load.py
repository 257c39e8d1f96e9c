"""The network that retraining left in a folder: `nas.load_network`."""

from __future__ import annotations

import json
from pathlib import Path

from nas.models.pixel_network import PixelNetwork
from nas.training.retrained import DOCUMENT, METRICS, MODEL, load_retrained


def load_network(folder: str | Path) -> PixelNetwork:
    """Load the network in a folder that `segnas retrain` wrote, with its preprocessing and the names of its classes.

    Args:
        folder: With `model.safetensors`, `architecture.json` and `metrics.json`.

    Returns:
        On the CPU in evaluation mode; `predict` takes images, and `network` is the part behind the preprocessing.

    Raises:
        ValueError: The folder is not such a folder, or its files are broken or do not belong together.
    """
    place = _folder(folder)
    network = load_retrained(place)
    names = _class_names(place / METRICS)
    if len(names) != network.classifier.out_channels:
        raise ValueError(f"{place / METRICS} names {len(names)} classes, {MODEL} has {network.classifier.out_channels}")
    return PixelNetwork(network, names).eval()


def _folder(folder: str | Path) -> Path:
    if not isinstance(folder, str | Path):
        raise ValueError(f"nas.load_network takes the folder that retraining wrote, not {type(folder).__name__}")
    place = Path(folder)
    if place.is_file():
        raise ValueError(f"{place} is a file; nas.load_network takes the folder that retraining wrote")
    missing = [name for name in (MODEL, DOCUMENT, METRICS) if not (place / name).is_file()]
    if missing:
        raise ValueError(f"{place} is no folder that retraining wrote: {', '.join(missing)} is not there")
    return place


def _class_names(metrics: Path) -> tuple[str, ...]:
    try:
        return tuple(json.loads(metrics.read_text("utf-8"))["rungs"][-1]["class_iou"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{metrics} does not name the classes, as retraining writes them: {error!r}") from None
