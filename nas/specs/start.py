"""Architectures that a search measures first, whichever its strategy: cells, networks, their names, ids of searches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from typing_extensions import TypeAliasType, TypeIs

from nas.specs.any_space import kind
from nas.specs.auto_deeplab_space import NAMED_NETWORKS
from nas.specs.dense_cell_space import NAMED_CELLS
from nas.specs.fidelity import Fidelity
from nas.specs.space import Space
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture, read_architecture
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.validation import shorten

NAMES = tuple(dict.fromkeys((*NAMED_CELLS, *NAMED_NETWORKS)))
"""The names of architectures; what a name stands for depends on the space."""

SEARCH_PATTERN = r"s[0-9a-f]{12}"
NAME_PATTERN = rf"^({'|'.join(NAMES)}|{SEARCH_PATTERN})$"


def is_search(start: Architecture | str) -> TypeIs[str]:
    """Return whether an entry of `start` is the id of a search."""
    return isinstance(start, str) and start not in NAMES


def _names_a_start(text: str) -> str:
    if re.fullmatch(NAME_PATTERN, text) is None:
        raise ValueError(
            f"{shorten(text)} names nothing to start from: use {', '.join(NAMES)}, the id of a search "
            "(s0123456789ab), or a cell or a network as a mapping"
        )
    return text


def _read_document(value: Any) -> Any:
    # A document is reduced to its architecture: where that came from is no part of what is searched.
    if isinstance(value, Mapping) and ("format" in value or "architecture" in value):
        architecture = read_architecture(value).architecture
        if isinstance(architecture, ReferenceHead):
            raise ValueError(f"a {architecture.kind} is no cell; name a document of a dense_cell or an auto_deeplab")
        return architecture
    return value


def _tag(value: Any) -> str:
    return "CellName" if isinstance(value, str) else "SearchedArchitecture"


SearchedArchitecture = TypeAliasType(
    "SearchedArchitecture",
    Annotated[
        Annotated[DenseCell, Tag("dense_cell")] | Annotated[AutoDeepLab, Tag("auto_deeplab")], Discriminator(kind)
    ],
)
"""An architecture of one of the spaces; a cell where no kind is named."""

CellName = TypeAliasType(
    "CellName",
    Annotated[
        str,
        AfterValidator(_names_a_start),
        Field(
            description="published: the published cell, or in Auto-DeepLab's space the published network. "
            "aspp_separable: separable ASPP as a cell. The id of a black-box search, or of a differentiable one that "
            "measures its networks: its best, the first of its leaderboard or the one that its confirmation prefers.",
            json_schema_extra={"pattern": NAME_PATTERN},
        ),
    ],
)
"""The name of an architecture, or the id of a search."""

NamedCell = TypeAliasType(
    "NamedCell",
    Annotated[
        Annotated[SearchedArchitecture, BeforeValidator(_read_document), Tag("SearchedArchitecture")]
        | Annotated[CellName, Tag("CellName")],
        Discriminator(_tag),
    ],
)
"""An architecture to start from: a cell, a network, the name of one, or the search whose best it is."""


def starting_architecture(start: Architecture | str, space: Space, fidelity: Fidelity | None) -> Architecture:
    """Make the architecture of a space that an entry of `start` stands for.

    Args:
        start: An architecture, or one of `NAMES`. Of the forms that a name has in the space, the first within the limit
            counts.
        space: The space.
        fidelity: Where the space's limit is counted; None leaves the limit out.

    Raises:
        ValueError: The architecture is not of the space, or is beyond the limit.
    """
    candidates = space.named(start) if isinstance(start, str) else [start]
    for architecture in candidates:
        space.check_architecture(architecture)
        if fidelity is None or space.admits(architecture, fidelity):
            return architecture
    raise ValueError("the architecture is beyond space.limit or the constraints; raise what limits it or leave it out")
