"""The heads that a reference search compares by default."""

from __future__ import annotations

from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.reference.architecture import SEVERAL_LEVELS, TRUNK_WIDTH, ReferenceHead
from search_spaces.units import UNITS


def reference_heads(width: int = TRUNK_WIDTH) -> tuple[DenseCell | ReferenceHead, ...]:
    """List the heads that are compared on one feature map.

    1x1, ASPP, PPM, the published DPC, a trunk of `width` channels alone and with each unit.
    """
    return (
        ReferenceHead(name="conv1x1"),
        ReferenceHead(name="aspp"),
        ReferenceHead(name="ppm"),
        PUBLISHED_CELL,
        trunk_without_unit(width),
        *(ReferenceHead(name="trunk", width=width, unit=unit()) for unit in UNITS),
    )


def trunk_without_unit(width: int = TRUNK_WIDTH) -> ReferenceHead:
    """Describe the bare trunk of `width` channels, the baseline of trunks with a unit."""
    return ReferenceHead(name="trunk", width=width)


REFERENCE_HEADS = reference_heads()
"""The eleven heads that are compared on one feature map, trunks with the papers' 512 channels."""

MULTI_LEVEL_HEADS = tuple(ReferenceHead(name=name) for name in SEVERAL_LEVELS)
"""The five reference heads that read several feature maps."""
