"""TensorFlow DeepLab's JSON format of a dense prediction cell.

A cell is a list of branches, each a mapping of {op, kernel, rate | grid_size, input} (tensorflow/models,
research/deeplab/core/dense_prediction_cell.py). Reading and writing back gives an equal JSON value, branch order and
a rate beside `"kernel": 1` included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from search_spaces.dense_cell.architecture import AtrousSeparable, Branch, Conv1x1, DenseCell, Operator, PyramidPooling
from search_spaces.validation import explain, shorten


def read_deeplab(entries: Sequence[Any]) -> DenseCell:
    """Read a cell from the parsed JSON of TensorFlow DeepLab.

    Raises:
        ValueError: The entries describe no dense prediction cell; the message names the branch, counted from 0.
    """
    branches = tuple(_read_branch(index, entry) for index, entry in enumerate(entries))
    try:
        return DenseCell(branches=branches)
    except ValidationError as error:
        raise ValueError(f"not a dense prediction cell: {explain(error)}") from None


def _read_branch(index: int, entry: Any) -> Branch:
    if not isinstance(entry, Mapping):
        raise ValueError(f"branch {index} must be a mapping with op and input, not {shorten(entry)}")
    try:
        operator = _read_operator(entry)
        if "input" not in entry:
            raise ValueError("lacks input")
        return Branch(input=entry["input"], operator=operator)
    except ValidationError as error:
        raise ValueError(f"branch {index}: {explain(error)}") from None
    except ValueError as error:
        raise ValueError(f"branch {index} {error}") from None


def _read_operator(entry: Mapping[str, Any]) -> Operator:
    # The messages of its errors continue "branch 3 ...".
    op, kernel = entry.get("op"), entry.get("kernel")
    if op == "pyramid_pooling":
        _only(entry, {"op", "grid_size", "input"})
        return PyramidPooling(grid=_pair(entry, "grid_size"))
    if op != "conv":
        raise ValueError(f"has op {shorten(op)}, but the operators are 'conv' and 'pyramid_pooling'")
    _only(entry, {"op", "kernel", "rate", "input"})
    if type(kernel) is int and kernel == 3:
        return AtrousSeparable(rate=_pair(entry, "rate"))
    if type(kernel) is int and kernel == 1:
        return Conv1x1(rate=_pair(entry, "rate") if "rate" in entry else None)
    raise ValueError(f"has kernel {shorten(kernel)}, but a conv has kernel 1 or 3")


def _only(entry: Mapping[str, Any], known: set[str]) -> None:
    for name in entry:
        if name not in known:
            raise ValueError(
                f"has a field {shorten(name)}, but the fields of {entry['op']!r} are {', '.join(sorted(known))}"
            )


def _pair(entry: Mapping[str, Any], name: str) -> tuple[int, int]:
    value = entry.get(name)
    if not isinstance(value, list | tuple) or len(value) != 2 or any(type(number) is not int for number in value):
        raise ValueError(f"has {name} {shorten(value)}, but it needs two whole numbers: vertical, horizontal")
    return value[0], value[1]


def write_deeplab(cell: DenseCell) -> list[dict[str, Any]]:
    """Write a cell as TensorFlow DeepLab's JSON value, branches in the cell's own order.

    A 1x1 convolution is written with a rate only if it was read with one. The format has no place for the width of a
    cell: TensorFlow DeepLab takes it as a parameter of its own.

    Raises:
        ValueError: The cell has a unit of global reasoning or reads several levels, which the format does not know.
    """
    if cell.levels is not None:
        raise ValueError(
            "TensorFlow DeepLab's format knows one feature map only, not the levels "
            f"{', '.join(map(str, cell.levels))}; write this cell as a segnas/architecture document"
        )
    return [{**_write_operator(branch.operator), "input": branch.input} for branch in cell.branches]


def _write_operator(operator: Operator) -> dict[str, Any]:
    if isinstance(operator, Conv1x1):
        return {"kernel": 1, **({} if operator.rate is None else {"rate": list(operator.rate)}), "op": "conv"}
    if isinstance(operator, AtrousSeparable):
        return {"kernel": 3, "rate": list(operator.rate), "op": "conv"}
    if isinstance(operator, PyramidPooling):
        return {"op": "pyramid_pooling", "grid_size": list(operator.grid)}
    raise ValueError(
        f"TensorFlow DeepLab's format knows convolutions and pooling only, not {operator.op}; "
        "write this cell as a segnas/architecture document"
    )
