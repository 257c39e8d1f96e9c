"""What SegHeads-Bench measures: heads, seeds, rungs, and the fidelity of each data set."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.real.protocol import fidelity as brain_fidelity
from search_spaces.dense_cell.architecture import PUBLISHED_CELL, OperatorSet
from search_spaces.dense_cell.space import sample
from search_spaces.document import Architecture, architecture_from_dict, architecture_to_dict

BRAIN, SCENES = "colin27", "scenes"
DATASETS = (BRAIN, SCENES)

RUNGS = (25, 50, 100, 200)
"""Training iterations, with a decay to each: from a rung that says little to one at which three seeds agree."""

LEVELS = (8,)
RATE = 0.016
SEEDS = 3

SCENE_IMAGES, SCENE_SIZE, SCENE_VAL = 1024, (128, 256), 192

WIDTHS: dict[str, tuple[int, ...]] = {
    "conv1x1": (32,),
    "aspp": (12, 16, 24, 32),
    "aspp_separable": (32, 48, 64),
    "ppm": (16, 32, 64),
    "published": (32, 48, 64),
}
"""Filters of the reference heads."""

PATTERN: tuple[tuple[int, OperatorSet], ...] = (
    (5, "plain"),
    (5, "extended"),
    (5, "plain"),
    (3, "plain"),
    (5, "extended"),
    (5, "plain"),
    (3, "extended"),
    (5, "plain"),
    (3, "plain"),
    (5, "extended"),
)
"""Branches and operators of the random cells, in turn: a longer list begins with the shorter one."""

CHUNK = 25
"""Heads of one search of the service."""


def fidelity(dataset: str, rungs: tuple[int, ...] = RUNGS) -> dict[str, Any]:
    """Make the fidelity of a data set: frozen EfficientNet-Lite0 at stride 8, whole images, Adam, 32 filters."""
    brain = brain_fidelity(dataset, LEVELS, RATE, rungs[-1])
    common = brain | {"rungs": list(rungs), "schedule": {"name": "per_rung"}}
    if dataset == BRAIN:
        return common
    return common | {
        "crop": list(SCENE_SIZE),
        "augment": {"scale": [1.0, 1.0], "flip": False},
        "views": 1,
        "head": {"channels": 32, "dropout": 0.0, "rate_multiplier": 1},
        "optimizer": {"name": "adam", "learning_rate": RATE, "weight_decay": 0.0},
    }


def heads(count: int) -> list[dict[str, Any]]:
    """List so many different heads: the reference heads, then random cells.

    Args:
        count: At least the number of reference heads.

    Raises:
        ValueError: `count` is not a multiple of CHUNK.
    """
    if count < 1 or count % CHUNK:
        raise ValueError(f"heads are measured {CHUNK} at a time: the number of heads must be a multiple, not {count}")
    return [architecture_to_dict(head) for head in itertools.islice(_all_heads(), count)]


def chunks(
    listed: Sequence[Mapping[str, Any]], known: Collection[str] = ()
) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Cut a list of heads into what one search measures.

    Args:
        listed: By `heads`.
        known: Content keys of heads that are left out, since they were measured before.

    Yields:
        The place in the list at which a chunk begins, and its heads; a chunk without heads is left out.
    """
    for first in range(0, len(listed), CHUNK):
        left = [head for head in listed[first : first + CHUNK] if architecture_from_dict(head).key not in known]
        if left:
            yield first, left


def _all_heads() -> Iterator[Architecture]:
    """Yield heads without end, each once."""
    seen = set()
    for head in itertools.chain(_references(), _cells()):
        if head.key not in seen:
            seen.add(head.key)
            yield head


def _references() -> Iterator[Architecture]:
    for name, widths in WIDTHS.items():
        head = architecture_to_dict(PUBLISHED_CELL) if name == "published" else {"kind": "reference_head", "name": name}
        for width in widths:
            # The fidelity's own width is left to the fidelity, as in the cells.
            yield architecture_from_dict(head if width == 32 else {**head, "channels": width})


def _cells() -> Iterator[Architecture]:
    rng = random.Random(0)
    for branches, operators in itertools.cycle(PATTERN):
        yield sample(branches, rng, operators)
