"""Auto-DeepLab's trellis (Liu et al., CVPR 2019, section 3.2): which nodes and edges there are, and what reads what.

A node (layer, level) is a cell's place; level 0 is stride 4. Layer -1 is the stem's output at level 0 and layer -2
what comes before it, at stride 2 (level -1). Layer 0 stands at levels 0 and 1; each layer reaches one level deeper.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

STEM, BEFORE_STEM = -1, -2
"""Layers before the first: the stem's output (stride 4) and its middle (stride 2)."""


class TrellisEdge(NamedTuple):
    """From `source` (a level of layer - 1) to `target` (a level of `layer`)."""

    layer: int
    source: int
    target: int


@dataclass(frozen=True)
class Trellis:
    """`layers` layers on `levels` levels. Betas stand one per edge, in the order of `edges`."""

    layers: int
    levels: int

    def nodes(self, layer: int) -> range:
        """Levels that exist at a layer."""
        if layer == BEFORE_STEM:
            return range(-1, 0)
        return range(min(layer + 2, self.levels))

    def outgoing(self, source: int) -> range:
        """Levels of the next layer that level `source` leads to."""
        return range(max(source - 1, 0), min(source + 2, self.levels))

    def incoming(self, layer: int, target: int) -> tuple[int, ...]:
        """Levels of the layer before that lead to level `target`, ascending."""
        return tuple(source for source in self.nodes(layer - 1) if abs(source - target) <= 1)

    def before_previous(self, layer: int, level: int) -> int:
        """The level at layer - 2 that stands for H^{l-2}: the same, or the nearest size there is (the authors' way)."""
        return min(self.nodes(layer - 2), key=lambda there: (abs(there - level), there))

    @functools.cached_property
    def edges(self) -> tuple[TrellisEdge, ...]:
        """All edges, by layer, source, target: 105 for 12 layers and 4 levels."""
        return tuple(
            TrellisEdge(layer, source, target)
            for layer in range(self.layers)
            for source in self.nodes(layer - 1)
            for target in self.outgoing(source)
        )

    @functools.cached_property
    def position(self) -> dict[TrellisEdge, int]:
        """Where an edge's beta stands."""
        return {edge: index for index, edge in enumerate(self.edges)}

    @functools.cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the edges that leave one node: their betas share a softmax."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, edge in enumerate(self.edges):
            groups.setdefault((edge.layer, edge.source), []).append(index)
        return tuple(tuple(group) for group in groups.values())


def halved(side: int, times: int) -> int:
    """Side of a map after `times` convolutions of stride 2 with 'SAME' padding: rounded up each time."""
    for _ in range(times):
        side = (side + 1) // 2
    return side
