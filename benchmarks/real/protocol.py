"""What the benchmark on real data measures: splits, fidelities, heads, spaces."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.dense_cell.space import sample

SEARCH_DATA, HELD_OUT_DATA = "brain-search", "brain-held-out"
"""Both have the same training slices; no slice is in the validation split of both."""

BLOCK, GAP = 24, 4
"""Validation slices of each orientation go to the two splits in turn, in runs of BLOCK slices; the first GAP slices of
a run are in neither, since neighbouring slices are nearly equal."""

LEVELS: Mapping[str, Sequence[int]] = {"one level": (8,), "two levels": (8, 16)}
RATES = (0.008, 0.016, 0.032)
TEXTBOOK_WIDTHS: Mapping[str, Sequence[int]] = {
    "aspp": (20, 32),
    "ppm": (32, 64),
    "aspp_separable": (48, 64),
    "published": (48, 64),
}
"""Widths of each textbook head: one below LIMIT and one at it or beyond it, on one level."""

WIDTHS = (16, 24, 32, 48, 64)
WIDTH = 32
LIMIT = 25_000_000
"""Multiply-adds of head and logits for one image that the space with widths allows."""

STEPS = (50, 100, 200, 600)
SEARCH_STEPS, FULL_STEPS = 200, 600
TRIALS = 64
RANDOM_CELLS = 16
"""Cells on which proxies are ranked (all, on one level) and learning rates are compared (the first quarter)."""

TOP = 3
SWEEP_SEEDS, RANKING_SEEDS, CHOICE_SEEDS, HELD_OUT_SEEDS = (0, 1), (10, 2), (100, 2), (200, 4)
"""First seed and number of seeds of each part; no seed is used by two parts."""

BY_HAND = DenseCell.model_validate(
    {
        "branches": [
            {"input": -1, "operator": {"op": "pyramid_pooling", "grid": [4, 4]}},
            {"input": 0, "operator": {"op": "atrous_separable", "rate": [3, 3]}},
            {"input": 0, "operator": {"op": "atrous_separable", "rate": [6, 6]}},
            {"input": 0, "operator": {"op": "atrous_separable", "rate": [9, 9]}},
            {"input": -1, "operator": {"op": "conv1x1"}},
        ]
    }
)
"""Pooling over 7 cells, then rates 6, 12 and 18 in cells of stride 8; beside it a 1x1 convolution."""


def chosen(names: Iterable[str], kept: int) -> list[str]:
    """Choose the validation slices of one of the two splits.

    Args:
        names: Of all validation slices: two letters for the orientation and a number.
        kept: 0 for the split of the search, 1 for the held-out one.
    """
    found, counts = [], dict[str, int]()
    for name in sorted(names):
        place = counts[name[:2]] = counts.get(name[:2], -1) + 1
        run, within = divmod(place, BLOCK)
        if run % 2 == kept and within >= GAP:
            found.append(name)
    return found


def fidelity(data: str, levels: Sequence[int], rate: float, steps: int, label_stride: int = 8) -> dict[str, Any]:
    """Make the fidelity of one measurement: frozen EfficientNet-Lite0, whole slices, Adam."""
    return {
        "dataset": data,
        "backbone": {
            "name": "efficientnet_lite0",
            "output_stride": 32,
            "levels": list(levels),
            "weights": "imagenet",
            "frozen": True,
        },
        "head": {"channels": WIDTH, "dropout": 0.1, "rate_multiplier": 2},
        "crop": [224, 224],
        "augment": {"scale": [0.8, 1.25], "flip": True},
        "views": 4,
        "rungs": [steps],
        "batch": 8,
        "optimizer": {"name": "adam", "learning_rate": rate},
        "schedule": {"name": "single"},
        "class_weighting": 0.5,
        "label_stride": label_stride,
    }


def textbook_heads() -> list[dict[str, Any]]:
    """List the heads of the textbooks at their widths, and the 1x1 head as the floor."""
    cell = PUBLISHED_CELL.model_dump(mode="json", exclude_none=True)
    heads: list[dict[str, Any]] = [{"kind": "reference_head", "name": "conv1x1"}]
    for name, widths in TEXTBOOK_WIDTHS.items():
        head = cell if name == "published" else {"kind": "reference_head", "name": name}
        heads += [{**head, "channels": width} for width in widths]
    return heads


def random_cells(count: int, levels: Sequence[int]) -> list[dict[str, Any]]:
    """Draw uniform cells of five branches and WIDTH filters; the same call gives the same cells."""
    rng = random.Random(0)
    many = tuple(levels) if len(levels) > 1 else None
    cells = [sample(5, rng, levels=many) for _ in range(count)]
    return [cell.model_dump(mode="json", exclude_none=True) for cell in cells]


def space(levels: Sequence[int]) -> dict[str, Any]:
    """Make the space of a search: cells of five branches on these levels, their width free up to LIMIT."""
    made: dict[str, Any] = {
        "kind": "dense_cell",
        "branches": 5,
        "channels": list(WIDTHS),
        "limit": {"multiply_adds": LIMIT},
    }
    if len(levels) > 1:
        made["levels"] = list(levels)
    return made
