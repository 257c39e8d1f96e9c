"""Predictions as a report shows them: images beside label map and prediction, inside the file, and a key of colours."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from nas.results.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Shown:
    """One validation image beside its label map and what is predicted, each as a `data:` URL.

    Attributes:
        image: The image.
        mask: Its label map; black is ignored.
        prediction: The predicted classes, in the same colours.
        agreement: How many of the labelled pixels have their class, in words; empty where no pixel has a label.
    """

    image: str
    mask: str
    prediction: str
    agreement: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """The predictions of a trial.

    Attributes:
        shown: The images.
        height: Of each picture in pixels.
        width: Of each picture in pixels.
        key: Name and colour (#rrggbb) of each class that is in a label map or a prediction.
    """

    shown: tuple[Shown, ...]
    height: int
    width: int
    key: tuple[tuple[str, str], ...]


def gallery(predictions: Predictions) -> Gallery:
    """Make a gallery of a trial's predictions."""
    height, width = predictions.examples.size
    return Gallery(tuple(_shown(predictions)), height, width, tuple(_key(predictions)))


def _shown(predictions: Predictions) -> Iterator[Shown]:
    examples = predictions.examples
    for image, mask, predicted, agreement in zip(
        examples.images, examples.masks, predictions.maps, predictions.agreement, strict=True
    ):
        words = "" if agreement is None else f"{agreement:.0%} of the labelled pixels are right"
        yield Shown(_url(image, "jpeg"), _url(mask, "png"), _url(predicted, "png"), words)


def _key(predictions: Predictions) -> Iterator[tuple[str, str]]:
    examples = predictions.examples
    present = {index for maps in (examples.mask_classes, predictions.map_classes) for one in maps for index in one}
    for index in sorted(present):
        red, green, blue = examples.colours[index]
        yield examples.class_names[index], f"#{red:02x}{green:02x}{blue:02x}"


def _url(content: bytes, form: str) -> str:
    return f"data:image/{form};base64,{base64.b64encode(content).decode()}"
