"""Predictions to look at: a trial's class maps of a few validation images, beside the images and their label maps."""

from __future__ import annotations

import base64
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from search_spaces.base import StrictModel


def _decoded(value: object) -> object:
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


Picture = Annotated[bytes, BeforeValidator(_decoded), PlainSerializer(_encoded, return_type=str, when_used="json")]
"""The bytes of an image file; base64 in JSON."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Classes = tuple[int, ...]
"""Indices of classes, those with more pixels first."""


class Examples(StrictModel):
    """A few validation images with their label maps, the same for all trials that measure the same crops.

    Attributes:
        key: Content hash (sha256 hex) of the data set, the crop and the choice of images.
        rows: Positions of the images among those that scores are measured on.
        size: Height and width of every picture in pixels.
        class_names: Of all classes of the data set.
        colours: Of all classes.
        images: JPEG files of the crops.
        masks: PNG files of the label maps, in the colours of the classes; what is ignored is black.
        mask_classes: The classes in each label map.
    """

    key: str
    rows: tuple[int, ...]
    size: tuple[int, int]
    class_names: tuple[str, ...]
    colours: tuple[Colour, ...]
    images: tuple[Picture, ...]
    masks: tuple[Picture, ...]
    mask_classes: tuple[Classes, ...]


class Predictions(StrictModel):
    """What a trial predicts on the examples of its fidelity, after the training of one rung.

    Attributes:
        iteration: The rung.
        examples: What is predicted on.
        maps: PNG files of the predicted classes, in the order of the examples, perhaps smaller than these.
        map_classes: The classes in each predicted map.
        agreement: Share of the labelled pixels of each map that have their class; None where no pixel has a label.
    """

    iteration: Annotated[int, Field(ge=1)]
    examples: Examples
    maps: tuple[Picture, ...]
    map_classes: tuple[Classes, ...]
    agreement: tuple[Annotated[float, Field(ge=0, le=1)] | None, ...]
