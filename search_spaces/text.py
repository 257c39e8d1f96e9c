"""Architectures as text: one line, a short form for narrow tables, several lines for the cell of an Auto-DeepLab."""

from __future__ import annotations

from search_spaces.auto_deeplab.architecture import (
    BEFORE_PREVIOUS,
    FIRST_BLOCK,
    PREVIOUS,
    PUBLISHED_AUTO_DEEPLAB,
    AutoDeepLab,
)
from search_spaces.auto_deeplab.architecture import Operator as EdgeOperator
from search_spaces.dense_cell.architecture import (
    FEATURES,
    PUBLISHED_CELL,
    AtrousSeparable,
    Conv1x1,
    DenseCell,
    Levels,
    PyramidPooling,
)
from search_spaces.dense_cell.architecture import Operator as CellOperator
from search_spaces.document import Architecture
from search_spaces.reference.architecture import TRUNK_WIDTH, HeadName, ReferenceHead
from search_spaces.units import Unit

_HEADS: dict[HeadName, str] = {
    "conv1x1": "1x1",
    "linear": "linear",
    "aspp": "ASPP",
    "aspp_separable": "separable ASPP",
    "ppm": "PPM",
    "linear_levels": "linear over all levels",
    "segformer": "SegFormer MLP",
    "fpn": "semantic FPN",
    "upernet": "UPerNet",
    "dpt": "DPT",
}
_UNITS: dict[str, tuple[str, str]] = {
    "double_attention": ("double attention", "K={maps}"),
    "glore": ("GloRe", "m={nodes}"),
    "gcu": ("GCU", "V={vertices}"),
    "sgr": ("SGR", "steps={steps}"),
    "constant_context": ("constant context", ""),
    "non_local": ("non-local", ""),
}
_OPERATORS = {
    "double_attention": "attention{maps}",
    "glore": "glore{nodes}",
    "gcu": "gcu{vertices}",
    "sgr": "sgr{steps}",
    "constant_context": "context",
    "non_local": "nonlocal",
}
_CELL_INPUTS = {PREVIOUS: "H[l-1]", BEFORE_PREVIOUS: "H[l-2]"}
_SHORT_OPERATORS: dict[EdgeOperator, str] = {
    "sep_3x3": "s3",
    "sep_5x5": "s5",
    "atrous_3x3": "a3",
    "atrous_5x5": "a5",
    "avg_pool_3x3": "avg",
    "max_pool_3x3": "max",
    "skip": "skip",
    "none": "none",
}
_SHORT_INPUTS = {PREVIOUS: "p", BEFORE_PREVIOUS: "pp"}

SHORT_DENSE_CELL = (
    "of each branch its operator: 6x3 is an atrous separable convolution with these rates, conv a 1x1 convolution, "
    "p4x2 a pyramid pooling with this grid; <0 reads branch 0, else the feature map"
)
"""Explains the short text of a dense prediction cell."""

SHORT_AUTO_DEEPLAB = (
    "the level of each layer (0 is stride 4, 3 is stride 32), then the two edges of each block: s3 and s5 are "
    "separable convolutions, a3 and a5 atrous ones; <p reads the previous layer, <pp the one before it, <0 block 0"
)
"""Explains the short text of an Auto-DeepLab network."""


def architecture_text(architecture: Architecture) -> str:
    """Describe an architecture in one line, as the command line, rankings, tables and the page show it.

    A published architecture is called by its name: "published DPC", "published Auto-DeepLab", "ASPP (6, 12, 18)",
    "trunk + GloRe (m=64)"; a width of its own stands behind the name: "ASPP (6, 12, 18), width 16". A dense prediction
    cell is `branch:operator(input)` for each branch, where F is the feature map, or F8 and F16 the levels of these
    strides; a width of its own comes first ("width 32"). An Auto-DeepLab network is the strides along its path, then
    `block:operator(input)+operator(input)` for each block of the cell, where an input is `H[l-1]` (the output of the
    previous layer), `H[l-2]` (of the one before that) or the number of an earlier block.
    """
    if isinstance(architecture, ReferenceHead):
        return _head(architecture)
    if isinstance(architecture, DenseCell):
        return _cell(architecture)
    # The paths are compared first: comparing two cells costs a hundred times as much.
    if architecture.path == PUBLISHED_AUTO_DEEPLAB.path and architecture == PUBLISHED_AUTO_DEEPLAB:
        return "published Auto-DeepLab"
    return _network(architecture)


def short_text(architecture: Architecture) -> str:
    """Describe an architecture in as few characters as can be read, for tables on narrow terminals.

    A cell of five branches has at most 40 characters, an Auto-DeepLab network of 12 layers and five blocks about 75.
    A published architecture and a head designed by hand are called as in `architecture_text`.
    `SHORT_DENSE_CELL` and `SHORT_AUTO_DEEPLAB` explain the form.
    """
    text = architecture_text(architecture)
    if isinstance(architecture, ReferenceHead) or text.startswith("published"):
        return text
    return _short_cell(architecture) if isinstance(architecture, DenseCell) else _short_network(architecture)


def short_legend(text: str, short: str) -> str | None:
    """Explain a short text.

    Args:
        text: What `architecture_text` makes of the architecture.
        short: What `short_text` makes of it.

    Returns:
        A clause for the foot of a table; None where the short text is the long one.
    """
    if text == short:
        return None
    return SHORT_AUTO_DEEPLAB if short.split(" ", 1)[0].isdecimal() else SHORT_DENSE_CELL


def _short_cell(cell: DenseCell) -> str:
    width = () if cell.channels is None else (f"w{cell.channels}",)
    branches = (
        _short_operator(branch.operator)
        + ("" if branch.input == FEATURES and cell.levels is None else f"<{input_text(branch.input, cell.levels)}")
        for branch in cell.branches
    )
    return " ".join((*width, *branches))


def _short_operator(operator: CellOperator) -> str:
    match operator:
        case Conv1x1():
            return "conv"
        case AtrousSeparable(rate=size):
            return "x".join(map(str, size))
        case PyramidPooling(grid=size):
            return f"p{'x'.join(map(str, size))}"
    return operator_text(operator)


def _short_network(network: AutoDeepLab) -> str:
    blocks = (
        "+".join(f"{_SHORT_OPERATORS[edge.operator]}<{_short_state(edge.input)}" for edge in block.edges)
        for block in network.blocks
    )
    return " ".join(["".join(map(str, network.path)), *blocks])


def _short_state(state: int) -> str:
    return _SHORT_INPUTS.get(state) or str(state - FIRST_BLOCK)


def cell_lines(architecture: AutoDeepLab) -> tuple[str, ...]:
    """Describe the cell of an Auto-DeepLab network, a line a block: "block 1: skip(H[l-1]) + sep_3x3(block 0)"."""
    return tuple(
        f"block {index}: " + " + ".join(f"{edge.operator}({state_text(edge.input)})" for edge in block.edges)
        for index, block in enumerate(architecture.blocks)
    )


def _cell(cell: DenseCell) -> str:
    width = () if cell.channels is None else (f"width {cell.channels}",)
    if cell.levels is None and cell.trees == PUBLISHED_CELL.trees:
        return ", ".join(("published DPC", *width))
    branches = (
        f"{index}:{operator_text(branch.operator)}({input_text(branch.input, cell.levels)})"
        for index, branch in enumerate(cell.branches)
    )
    return "  ".join((*width, *branches))


def input_text(source: int, levels: Levels | None) -> str:
    """Name what a branch of a dense prediction cell reads: "F" or "F8" for a feature map, "0" for a branch."""
    if source > FEATURES:
        return str(source)
    return "F" if levels is None else f"F{levels[FEATURES - source]}"


def operator_text(operator: CellOperator) -> str:
    """Name an operator of a dense prediction cell with its sizes: "conv1x1", "sep6x21", "pool4x8"."""
    match operator:
        case Conv1x1():
            return "conv1x1"
        case AtrousSeparable():
            return f"sep{'x'.join(map(str, operator.rate))}"
        case PyramidPooling():
            return f"pool{'x'.join(map(str, operator.grid))}"
    return _OPERATORS[operator.op].format_map(operator.model_dump())


def _network(network: AutoDeepLab) -> str:
    blocks = (
        f"{index}:" + "+".join(f"{edge.operator}({state_text(edge.input, '')})" for edge in block.edges)
        for index, block in enumerate(network.blocks)
    )
    return "  ".join(["-".join(map(str, network.strides)), *blocks])


def state_text(state: int, before_number: str = "block ") -> str:
    """Name a state that a block of Auto-DeepLab's cell reads: "H[l-1]", "H[l-2]", "block 0"."""
    return _CELL_INPUTS.get(state) or f"{before_number}{state - FIRST_BLOCK}"


def _head(head: ReferenceHead) -> str:
    text = _named(head)
    return text if head.channels is None else f"{text}, width {head.channels}"


def _named(head: ReferenceHead) -> str:
    match head.name:
        case "aspp" | "aspp_separable":
            return f"{_HEADS[head.name]} ({', '.join(map(str, head.rates))})"
        case "ppm" | "upernet":
            return f"{_HEADS[head.name]} ({', '.join(map(str, head.bins))})"
        case "trunk":
            trunk = "trunk" if head.width == TRUNK_WIDTH else f"trunk of {head.width}"
            return trunk if head.unit is None else f"{trunk} + {unit_text(head.unit)}"
    return _HEADS[head.name]


def unit_text(unit: Unit) -> str:
    """Describe a unit of global reasoning in a few words: "GloRe (m=64)", "SGR (steps=2, graph identity)"."""
    name, pattern = _UNITS[unit.op]
    values = unit.model_dump()
    variants = [f"{field} {values[field]}" for field in ("assignment", "mapping", "graph") if field in values]
    details = [pattern.format_map(values), *variants] if pattern else variants
    return f"{name} ({', '.join(details)})" if details else name
