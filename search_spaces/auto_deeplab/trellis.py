"""Auto-DeepLab's trellis (Liu et al., CVPR 2019, section 3.2): its nodes, its edges, and what a node reads.

A node (layer, level) holds one cell; level 0 is stride 4. Layer -1 is the stem's output at level 0, and layer -2 the
stem's intermediate map at stride 2 (level -1). Layer 0 has levels 0 and 1; each layer reaches one level deeper.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

STEM, BEFORE_STEM = -1, -2
"""Numbers of the two layers before layer 0: the stem's output (stride 4), the stem's intermediate map (stride 2)."""


class TrellisEdge(NamedTuple):
    """An edge of the trellis, from the level `source` of layer - 1 to the level `target` of `layer`."""

    layer: int
    source: int
    target: int


@dataclass(frozen=True)
class Trellis:
    """The trellis of `layers` layers and `levels` levels. Each edge has a beta; betas are in the order of `edges`."""

    layers: int
    levels: int

    def nodes(self, layer: int) -> range:
        """Levels that a layer has."""
        if layer == BEFORE_STEM:
            return range(-1, 0)
        return range(min(layer + 2, self.levels))

    def outgoing(self, source: int) -> range:
        """Levels of the next layer that read level `source`."""
        return range(max(source - 1, 0), min(source + 2, self.levels))

    def incoming(self, layer: int, target: int) -> tuple[int, ...]:
        """Levels of the previous layer that level `target` of a layer reads, ascending."""
        return tuple(source for source in self.nodes(layer - 1) if abs(source - target) <= 1)

    def before_previous(self, layer: int, level: int) -> int:
        """Level of layer - 2 that a node reads as H^{l-2}: the node's own or else the nearest, as the authors do."""
        return min(self.nodes(layer - 2), key=lambda there: (abs(there - level), there))

    @functools.cached_property
    def edges(self) -> tuple[TrellisEdge, ...]:
        """All edges, ordered by layer, source and target: 105 for 12 layers and 4 levels."""
        return tuple(
            TrellisEdge(layer, source, target)
            for layer in range(self.layers)
            for source in self.nodes(layer - 1)
            for target in self.outgoing(source)
        )

    @functools.cached_property
    def position(self) -> dict[TrellisEdge, int]:
        """Index of each edge in `edges`, and so of its beta."""
        return {edge: index for index, edge in enumerate(self.edges)}

    @functools.cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """For each node the positions of the edges that leave it: their betas share a softmax."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, edge in enumerate(self.edges):
            groups.setdefault((edge.layer, edge.source), []).append(index)
        return tuple(tuple(group) for group in groups.values())


def halved(side: int, times: int) -> int:
    """Side of a map after `times` convolutions of stride 2 with 'SAME' padding, which round up each time."""
    for _ in range(times):
        side = (side + 1) // 2
    return side
