"""The field `space` of a black-box search: one union over the spaces, discriminated by the field `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag
from typing_extensions import TypeAliasType

from nas.specs.auto_deeplab_space import AutoDeepLabSpace
from nas.specs.dense_cell_space import DenseCellSpace

DEFAULT_KIND = "dense_cell"
"""The kind of a space without a field `kind`."""


def kind(space: Any) -> Any:
    """Name the kind of a space or of its architecture, or of a mapping from which one is to be made."""
    if isinstance(space, Mapping):
        return space.get("kind", DEFAULT_KIND)
    return getattr(space, "kind", DEFAULT_KIND)


AnySpace = TypeAliasType(
    "AnySpace",
    Annotated[
        Annotated[DenseCellSpace, Tag("dense_cell")] | Annotated[AutoDeepLabSpace, Tag("auto_deeplab")],
        Discriminator(kind),
    ],
)
"""The space of a black-box search."""
