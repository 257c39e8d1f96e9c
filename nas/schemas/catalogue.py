"""Answers about what a search can use: search spaces and data sets."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nas.schemas.base import PublicModel


class SpacePublic(PublicModel):
    """A search space: how many architectures it holds, and the JSON Schema of its description in a spec."""

    kind: str
    description: str
    size: str = Field(
        description="Number of architectures with the default settings, in decimal digits (too long for a float)."
    )
    sizes: dict[str, str] = Field(
        description="Number of architectures with other settings, such as `blocks=5, layers=12`."
    )
    spec_schema: dict[str, Any]


class DatasetPublic(PublicModel):
    """A registered data set, by the name that a spec uses."""

    name: str
    layout: str
    available: bool
    problem: str | None = Field(description="Why the service cannot read the data set; null if it can.")
    class_names: tuple[str, ...]
    images: dict[str, int] = Field(description="Number of images by split.")
