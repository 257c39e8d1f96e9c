"""The part of the validation images that a search keeps back, to confirm its result on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.base import StrictModel


class Holdout(StrictModel):
    """Validation images divided in two: those that select architectures, and those on which the choice is confirmed.

    The last images of the list are kept back, not random ones: slices of a volume, frames of a video and tiles of a map
    resemble their neighbours, which would otherwise be on both sides.
    """

    share: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="Share of the images that is kept back.")
    measure_on: Literal["selection", "kept_back"] = Field(
        "selection", description="The images that scores are measured on; `kept_back` is for confirmations."
    )

    def images(self, count: int) -> range:
        """Return the indices of the images that scores are measured on, of `count` in all.

        Raises:
            ValueError: There are fewer than two images.
        """
        if count < 2:
            raise ValueError(f"holdout divides the validation images in two, and there is {count}: leave it out")
        kept = min(max(1, round(self.share * count)), count - 1)
        return range(count - kept) if self.measure_on == "selection" else range(count - kept, count)
