"""The drawing of a network's path on Auto-DeepLab's trellis, lines as wide as the edges' probabilities where known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from nas.drawing.drawing import MARGIN, WIDTH, Panel
from nas.drawing.palette import Role
from nas.drawing.svg import Paint, arrow, circle, line, rect, text
from search_spaces.auto_deeplab.architecture import STRIDES
from search_spaces.auto_deeplab.trellis import STEM, Trellis, TrellisEdge

LEFT = 52.0
"""Width in front of the trellis, with the strides."""

LEVEL = 40.0
NODE, WIDEST = 4.5, 6.0
"""Radius of a node, and width of the line of an edge with probability 1."""

_RIGHT, _TOP, _BELOW, _LEAST_STEP = 62.0, 12.0, 26.0, 12.0
_ASPP = 44.0
_SMALL = 10.5


Beta: TypeAlias = Sequence[Sequence[float]]
"""Probabilities of the edges that leave each node of a trellis, in the order of `Trellis.groups`."""


def trellis_panel(path: Sequence[int], beta: Beta | None = None, levels: int | None = None) -> Panel:
    """Lay out the trellis: layers from left to right, the finest stride on top, the path as a thick line.

    Args:
        path: Level of each layer.
        beta: Probabilities of the edges; None where they are not known: then all edges are equally thin.
        levels: Number of strides of the trellis; None for as many as there are. Not read with `beta`, which tells it.

    Raises:
        ValueError: No trellis of so many layers has such a `beta`, or the path leaves the one that has it.
    """
    trellis = _trellis(path, beta, levels)
    levels = trellis.levels
    step = max(_LEAST_STEP, (WIDTH - 2 * MARGIN - LEFT - _RIGHT) / len(path))
    width = max(WIDTH, 2 * MARGIN + LEFT + _RIGHT + step * len(path))
    x = {layer: MARGIN + LEFT + step * (layer + 1) for layer in range(STEM, len(path))}
    places = [(x[STEM], _y(0)), *((x[layer], _y(level)) for layer, level in enumerate(path))]
    taken = {TrellisEdge(layer, *levels) for layer, levels in enumerate(itertools.pairwise((0, *path)))}
    known = sorted(_probabilities(trellis, beta), key=lambda item: item[0] in taken)  # those of the path on top
    shapes = [_edge(edge, x, _paint(probability, edge in taken)) for edge, probability in known]
    radius = min(NODE, step * 0.32)
    shapes += [
        circle(x[layer], _y(level), radius, Paint(fill="surface", stroke="wire", width=1.2))
        for layer in range(len(path))
        for level in trellis.nodes(layer)
    ]
    shapes += [circle(*place, radius + 0.8, Paint(fill="convolution")) for place in places]
    shapes += [
        text(MARGIN, _y(level) + 4, f"stride {stride}", _SMALL, "muted")
        for level, stride in enumerate(STRIDES[:levels])
    ]
    shapes += _aspp(places[-1], width, radius)
    shapes += _numbers(x, step, _y(levels - 1) + _BELOW)
    return Panel(width, _y(levels - 1) + _BELOW + 4, shapes)


def scale_panel() -> Panel:
    """Lay out the legend of the edges' widths."""
    shapes, x = [text(MARGIN, 12, "probability of an edge", _SMALL, "muted")], MARGIN + 140
    for probability in (0.1, 0.33, 0.67, 1.0):
        shapes.append(line(x, 8, x + 22, 8, _paint(probability)))
        shapes.append(text(x + 28, 12, f"{probability:g}", _SMALL, "muted"))
        x += 60
    return Panel(WIDTH, 16, shapes)


def _y(level: int) -> float:
    return _TOP + LEVEL * level


def _trellis(path: Sequence[int], beta: Beta | None, levels: int | None) -> Trellis:
    if beta is None:
        # Those that a path of so many layers can reach, and the path itself, should it not be of the space.
        reached = min(levels or len(STRIDES), len(path) + 1)
        return Trellis(len(path), max(reached, max(path) + 1))
    sizes = [len(node) for node in beta]
    for count in range(max(path) + 1, len(STRIDES) + 1):
        trellis = Trellis(len(path), count)
        if sizes == [len(group) for group in trellis.groups]:
            return trellis
    raise ValueError(
        f"beta has probabilities for {len(sizes)} nodes, which is no trellis of {len(path)} layers that has the path: "
        "a row for each node is needed, by layer and level, with a number for each edge that leaves the node"
    )


def _probabilities(trellis: Trellis, beta: Beta | None) -> list[tuple[TrellisEdge, float | None]]:
    if beta is None:
        return [(edge, None) for edge in trellis.edges]
    values = dict(zip(itertools.chain(*trellis.groups), itertools.chain(*beta), strict=True))
    return [(edge, values[index]) for index, edge in enumerate(trellis.edges)]


def _paint(probability: float | None, taken: bool = False) -> Paint:
    role: Role = "convolution" if taken else "faint"
    if probability is None:
        return Paint(stroke=role, width=3 if taken else 0.5)
    return Paint(stroke=role, width=max(1.2 if taken else 0.25, WIDEST * probability))


def _edge(edge: TrellisEdge, x: dict[int, float], paint: Paint) -> Element:
    return line(x[edge.layer - 1], _y(edge.source), x[edge.layer], _y(edge.target), paint)


def _aspp(last: tuple[float, float], width: float, radius: float) -> list[Element]:
    (x, y), left = last, width - MARGIN - _ASPP
    return [
        *arrow([(x + radius, y), (left, y)], Paint(stroke="convolution", width=1.6)),
        rect(left, y - 11, _ASPP, 22, Paint(fill="card", stroke="convolution", width=1.2), radius=5),
        text(left + _ASPP / 2, y + 4, "ASPP", 11, anchor="middle", bold=True),
    ]


def _numbers(x: dict[int, float], step: float, y: float) -> list[Element]:
    # The number of each layer from 1, or of every fourth where they stand close together.
    shown = [layer for layer in x if layer >= 0 and (step >= 15 or layer % 4 == 3)]
    stem = text(x[STEM] + 5, y, "stem", _SMALL, "muted", anchor="end")
    return [stem, *(text(x[layer], y, str(layer + 1), _SMALL, "muted", anchor="middle") for layer in shown)]
