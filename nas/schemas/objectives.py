"""The objectives of searches, as answers name them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nas.schemas.base import PublicModel


class ObjectivePublic(PublicModel):
    """One objective of a search."""

    text: str = Field(description="The objective in words.")
    direction: Literal["maximise", "minimise"]


BY_MIOU = ObjectivePublic(text="mIoU", direction="maximise")
"""What a service compared that does not say it."""
