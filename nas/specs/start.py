"""Architectures that a search measures first, whichever strategy it has: cells, names of cells, ids of searches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from typing_extensions import TypeAliasType, TypeIs

from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.fidelity import Fidelity
from search_spaces.dense_cell.architecture import ASPP_CELL, PUBLISHED_CELL, DenseCell
from search_spaces.document import read_architecture
from search_spaces.validation import shorten

NAMED_CELLS: Mapping[str, DenseCell] = {"published": PUBLISHED_CELL, "aspp_separable": ASPP_CELL}
"""The cells that a spec may name."""

SEARCH_PATTERN = r"s[0-9a-f]{12}"
NAME_PATTERN = rf"^({'|'.join(NAMED_CELLS)}|{SEARCH_PATTERN})$"


def is_search(start: DenseCell | str) -> TypeIs[str]:
    """Return whether an entry of `start` is the id of a search."""
    return isinstance(start, str) and start not in NAMED_CELLS


def _names_a_start(text: str) -> str:
    if re.fullmatch(NAME_PATTERN, text) is None:
        raise ValueError(
            f"{shorten(text)} names nothing to start from: use {', '.join(NAMED_CELLS)}, the id of a search "
            "(s0123456789ab), or a cell as a mapping"
        )
    return text


def _read_cell(value: Any) -> Any:
    # A document is reduced to its cell: where the cell came from is no part of what is searched.
    if isinstance(value, Mapping) and ("format" in value or "architecture" in value):
        cell = read_architecture(value).architecture
        if not isinstance(cell, DenseCell):
            raise ValueError(f"a {cell.kind} is no cell; name a document of a dense_cell")
        return cell
    return value


def _tag(value: Any) -> str:
    return "CellName" if isinstance(value, str) else "DenseCell"


CellName = TypeAliasType(
    "CellName",
    Annotated[
        str,
        AfterValidator(_names_a_start),
        Field(
            description="published: the published cell. aspp_separable: separable ASPP as a cell. The id of a "
            "black-box search: its best cell.",
            json_schema_extra={"pattern": NAME_PATTERN},
        ),
    ],
)
"""The name of a cell, or the id of a search."""

NamedCell = TypeAliasType(
    "NamedCell",
    Annotated[
        Annotated[DenseCell, BeforeValidator(_read_cell), Tag("DenseCell")] | Annotated[CellName, Tag("CellName")],
        Discriminator(_tag),
    ],
)
"""An architecture to start from: a cell, the name of one, or the search whose best it is."""


def starting_cell(start: DenseCell | str, space: DenseCellSpace, fidelity: Fidelity | None) -> DenseCell:
    """Make the cell of a space that an entry of `start` stands for.

    Args:
        start: A cell, or one of `NAMED_CELLS`. A named cell reads the finest level where the space has several, and has
            the largest of the space's widths with which it is within the limit.
        space: The space.
        fidelity: Where the space's limit is counted; None leaves the limit out.

    Raises:
        ValueError: The cell is not of the space, or is beyond the limit.
    """
    candidates = [start] if isinstance(start, DenseCell) else _placed(NAMED_CELLS[start], space)
    for cell in candidates:
        space.check_cell(cell)
        if space.limit is None or fidelity is None or space.limit.admits(cell, space.setting(fidelity)):
            return cell
    raise ValueError("the cell is beyond space.limit or the constraints; raise what limits it or leave the cell out")


def _placed(cell: DenseCell, space: DenseCellSpace) -> list[DenseCell]:
    widths: Sequence[int | None] = (None,) if space.channels is None else space.channels[::-1]
    return [DenseCell(branches=cell.branches, levels=space.levels, channels=width) for width in widths]
