"""The drawing of a dense prediction cell: what each branch reads, and its rate or grid to scale on the feature map.

Source:
    The kind of picture is that of figure 5 in Chen et al., NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from nas.drawing.branches import Branch, Source, tree_panel
from nas.drawing.drawing import Drawing, frame
from nas.drawing.footprint import Pair, View
from nas.drawing.palette import Role
from nas.drawing.reach import own_reach, reach_of, window_of
from nas.drawing.setting import Setting
from search_spaces.dense_cell.architecture import (
    FEATURES,
    PUBLISHED_CELL,
    AtrousSeparable,
    Conv1x1,
    DenseCell,
    Operator,
    PyramidPooling,
)
from search_spaces.text import unit_text
from search_spaces.units import ConstantContext, DoubleAttention, NonLocal


def draw_dense_cell(cell: DenseCell, setting: Setting) -> Drawing:
    """Draw a cell on the feature map of a setting; a cell with levels of its own reads those.

    Args:
        cell: The branches are numbered as they are written.
        setting: Its crop and its finest stride scale the footprints.
    """
    if cell.levels is not None:
        setting = Setting(setting.crop, cell.levels, setting.rate_multiplier, setting.channels)
    operators = [branch.operator for branch in cell.branches]
    rates = [_rate(operator, setting) for operator in operators if isinstance(operator, AtrousSeparable)]
    view = View.around(setting.size, rates)
    branches = [_branch(cell, index, setting, view) for index in range(len(operators))]
    channels = cell.channels or setting.channels
    final = "1×1 conv, BN, ReLU" if channels is None else f"1×1 conv, BN, ReLU: {channels} filters"
    title = (
        "Published DPC cell" if cell.levels is None and cell.trees == PUBLISHED_CELL.trees else "Dense prediction cell"
    )
    count = f"{len(branches)} branch" + ("es" if len(branches) > 1 else "")
    width = () if channels is None else (f"{channels} filters each",)
    return frame(
        title,
        [", ".join((count, *width)), f"feature map of {setting.text}"],
        [tree_panel(_sources(cell, setting), branches, "concat", final)],
        _caption(cell, view, rates),
        _description(cell, branches, final),
    )


def _rate(operator: AtrousSeparable, setting: Setting) -> Pair:
    return setting.rate(operator.rate[0]), setting.rate(operator.rate[1])


def _branch(cell: DenseCell, index: int, setting: Setting, view: View) -> Branch:
    branch, reach = cell.branches[index], reach_of(cell, index, setting)
    footprint = view.map()
    if branch.input > FEATURES and reach != own_reach(branch.operator, setting):
        footprint += view.reach(reach)
    footprint += _footprint(branch.operator, setting, view)
    name, *details = _words(branch.operator, setting)
    size = (reach.rows.cells, reach.columns.cells)
    extent = "the whole map" if size == setting.size else f"{size[0]}×{size[1]} cells"
    lines = (*details, f"reads {_input(branch.input, cell)}", f"reaches {extent}")
    return Branch(name, lines, branch.input, operator_role(branch.operator), footprint, index)


def operator_role(operator: Operator) -> Role:
    """Return the colour of an operator's family."""
    match operator:
        case Conv1x1():
            return "pointwise"
        case AtrousSeparable():
            return "convolution"
        case PyramidPooling():
            return "pooling"
    return "unit"


def _footprint(operator: Operator, setting: Setting, view: View) -> list[Element]:
    role = operator_role(operator)
    match operator:
        case Conv1x1():
            return view.point(role)
        case AtrousSeparable():
            return view.taps(_rate(operator, setting), role)
        case PyramidPooling():
            return [*view.window(window_of(operator, setting), role), *view.grid(operator.grid, role)]
        case ConstantContext():
            return [*view.whole(role), *view.point(role)]
        case DoubleAttention() | NonLocal():
            return view.rays(role)
    return view.graph(role)


def _words(operator: Operator, setting: Setting) -> list[str]:
    match operator:
        case Conv1x1():
            return ["1×1 conv"]
        case AtrousSeparable():
            rate = _rate(operator, setting)
            scaled = "" if rate == operator.rate else f" = {rate[0]}×{rate[1]}"
            return ["3×3 sep", f"rate {operator.rate[0]}×{operator.rate[1]}{scaled}"]
        case PyramidPooling():
            window = window_of(operator, setting)
            return ["avg pool", f"grid {operator.grid[0]}×{operator.grid[1]}, window {window[0]}×{window[1]}"]
    name, *details = unit_text(operator).removesuffix(")").split(" (")
    return [name, *details]


def _input(source: int, cell: DenseCell) -> str:
    if source > FEATURES:
        return f"branch {source}"
    return "F" if cell.levels is None else f"stride {cell.levels[FEATURES - source]}"


def _sources(cell: DenseCell, setting: Setting) -> list[Source]:
    if cell.levels is None:
        return [Source("F", setting.map_text)]
    read = {branch.input for branch in cell.branches}
    sources = []
    for position, stride in enumerate(cell.levels):
        detail = "finest map" if position == 0 else f"resized to stride {cell.levels[0]}"
        sources.append(Source(f"stride {stride}", detail if FEATURES - position in read else "not read"))
    return sources


def _caption(cell: DenseCell, view: View, rates: Sequence[Pair]) -> list[str]:
    operators = [branch.operator for branch in cell.branches]
    lines = ["Squares: the map, to scale, and what is read of it for the cell at its centre."]
    if rates:
        lines.append("Dots: taps of the 3×3 kernel.")
    if not all(map(view.contains, rates)):
        lines.append("Rings: taps outside the map, which read zero.")
    if any(isinstance(operator, PyramidPooling) for operator in operators):
        lines.append("Filled: the window of a sliding mean; its grid divides the map.")
    if any(branch.input > FEATURES for branch in cell.branches):
        lines.append("Dashed: what reaches the branch through those that it reads.")
    return lines


def _description(cell: DenseCell, branches: Sequence[Branch], final: str) -> str:
    sentences = [f"Branch {branch.number}: {branch.name}, {', '.join(branch.details)}." for branch in branches]
    levels = () if cell.levels is None else (f"Levels of stride {', '.join(map(str, cell.levels))}.",)
    return " ".join((*levels, *sentences, f"All branches are concatenated; then {final}."))
