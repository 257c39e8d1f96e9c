"""Draws which room imports which, as a matrix: `python docs/draw_imports.py` writes docs/images/imports.png.

A room is a package or module directly below `nas`, `workers` or `api`; `search_spaces` is one room. A row imports from
its columns. Each room comes before all that it imports, so a square below the diagonal would be a circle.
"""

from __future__ import annotations

import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

mpl.use("Agg")
import matplotlib.pyplot as plt

FLOORS = {"api": "#f6d9c6", "workers": "#d5e6c9", "nas": "#cfdff2", "search_spaces": "#e8d8ee"}
IMAGE = Path(__file__).parent / "images" / "imports.png"

Graph = dict[str, dict[str, int]]
"""How many imports lead from each room to each other."""


def read_rooms() -> Graph:
    """Count the imports between rooms."""
    modules = grimp.build_graph(*FLOORS)
    rooms: Graph = {_room(module): {} for module in modules.modules}
    for module in modules.modules:
        for target in map(_room, modules.find_modules_directly_imported_by(module)):
            if target != _room(module):
                rooms[_room(module)][target] = rooms[_room(module)].get(target, 0) + 1
    imported = {target for targets in rooms.values() for target in targets}
    return {room: targets for room, targets in rooms.items() if targets or room in imported}


def _room(module: str) -> str:
    floor, *rest = module.split(".")
    return floor if floor == "search_spaces" or not rest else f"{floor}.{rest[0]}"


def sort_rooms(rooms: Graph) -> list[str]:
    """Sort the rooms by floor, and within a floor each before all that it imports; a circle raises CycleError."""
    bottom_up = TopologicalSorter({room: sorted(rooms[room]) for room in sorted(rooms)}).static_order()
    height = {room: index for index, room in enumerate(bottom_up)}
    floors = list(FLOORS)
    return sorted(rooms, key=lambda room: (floors.index(room.split(".")[0]), -height[room]))


def draw(axes: Axes, rooms: Graph) -> None:
    """Draw a square for every pair of rooms with imports, darker with more of them, and the floors as blocks."""
    names = sort_rooms(rooms)
    counts = np.array([[rooms[row].get(column, 0) for column in names] for row in names], dtype=float)
    for floor, colour in FLOORS.items():
        inside = [index for index, name in enumerate(names) if name.split(".")[0] == floor]
        corner = (inside[0] - 0.5, inside[0] - 0.5)
        axes.add_patch(Rectangle(corner, len(inside), len(inside), facecolor=colour, edgecolor="none"))
    for row, column in np.argwhere(counts):
        shade = 0.35 + 0.65 * counts[row, column] / counts.max()
        axes.add_patch(Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, facecolor="#1f4e8c", alpha=shade))
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=6.5, color="white")
    axes.plot([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color="#8a8f98", linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.grid(color="#e4e6ea", linewidth=0.4)
    axes.set_axisbelow(True)


if __name__ == "__main__":
    rooms = read_rooms()
    figure, axes = plt.subplots(figsize=(10, 10))
    draw(axes, rooms)
    figure.savefig(IMAGE, dpi=110, bbox_inches="tight", facecolor="white")
    sys.stdout.write(f"{IMAGE}: {len(rooms)} rooms\n")
