"""Answers about what trials predict on a few validation images."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel


class PredictedImage(PublicModel):
    """A validation image with its label map and the prediction; the pictures are paths of this service."""

    row: int = Field(description="Position of the image among those that scores are measured on, from 0.")
    image: str = Field(description="The crop that is measured, a JPEG.")
    mask: str = Field(description="Its label map, a PNG whose pixels are classes; black is ignored.")
    prediction: str = Field(description="The predicted classes, a PNG likewise, perhaps of fewer pixels.")
    mask_classes: tuple[int, ...] = Field(description="The classes in the label map, those with more pixels first.")
    predicted_classes: tuple[int, ...] = Field(description="The classes in the prediction likewise.")
    agreement: float | None = Field(
        description="Share of the labelled pixels that have their class; null where no pixel has a label."
    )


class PredictionsPublic(PublicModel):
    """What a trial predicts at its deepest rung, on images that are the same for all trials of the same crops."""

    iteration: int
    size: tuple[int, int] = Field(description="Height and width of the images and label maps in pixels.")
    class_names: tuple[str, ...]
    colours: tuple[str, ...] = Field(description="Of the classes, as `#rrggbb`.")
    images: tuple[PredictedImage, ...]
