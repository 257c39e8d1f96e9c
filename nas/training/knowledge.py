"""The knowledge graph over a data set's classes that symbolic reasoning reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nas.cache.documents import made_once
from nas.data.dataset import SegmentationDataset, Split, Uint8
from nas.formatting import counted
from nas.models.graph_reasoning import KnowledgeGraph, cooccurrence_graph, hierarchy_of
from search_spaces.base import content_key

FORMAT = 1
"""Part of every cache key; to be raised when the stored content changes."""


def class_graph(dataset: SegmentationDataset, images: int, folder: Path) -> KnowledgeGraph:
    """Build the knowledge graph of a data set's classes.

    For the classes of Cityscapes and PASCAL VOC the graph is the shipped hierarchy. For all others the graph is the
    co-occurrence of classes in the full label maps of training images; the validation split is never read.

    Args:
        dataset: The data set.
        images: Co-occurrence is counted over the first so many training images.
        folder: The counts are cached here; the first caller reads the label maps.

    Raises:
        DatasetError: A label map cannot be read.
    """
    if (hierarchy := hierarchy_of(dataset.class_names)) is not None:
        return hierarchy
    key = content_key({"format": FORMAT, "cooccurrence": dataset.key, "images": images})
    stored = made_once(folder / f"{key}-cooccurrence.json", lambda: _count(dataset, images))
    return KnowledgeGraph(dataset.class_names, np.array(stored["adjacency"], np.float64), stored["source"])


def _count(dataset: SegmentationDataset, images: int) -> dict[str, Any]:
    graph = cooccurrence_graph(dataset.class_names, _label_maps(dataset.split("train"), images))
    about = f"{dataset.root.name}: which classes occur together in {counted(images, 'training image')}"
    return {"about": about, "adjacency": graph.adjacency.tolist(), "source": graph.source}


def _label_maps(split: Split, images: int) -> Iterator[Uint8]:
    for index in range(min(images, len(split))):
        yield split.load_label(index)
