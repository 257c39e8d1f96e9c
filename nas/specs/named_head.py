"""A head as requests write it: in full, or by its name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag
from typing_extensions import TypeAliasType

from nas.specs.reference import Head, named_head
from search_spaces.reference.architecture import HeadName as ReferenceHeadName

HeadName = TypeAliasType("HeadName", Literal[ReferenceHeadName, "published_dpc"])
"""The name of a head with its paper's parameters."""


def _head_tag(value: Any) -> str:
    return "HeadName" if isinstance(value, str) else "Head"


NamedHead = TypeAliasType(
    "NamedHead",
    Annotated[
        Annotated[Head, BeforeValidator(named_head), Tag("Head")]
        | Annotated[HeadName, AfterValidator(named_head), Tag("HeadName")],
        Discriminator(_head_tag),
    ],
)
"""A head in full, or by its name with its paper's parameters; validated to the head in both cases."""
