"""Makes the answers about predictions, and the addresses of their pictures."""

from __future__ import annotations

import hashlib
from typing import Literal

from nas.results.predictions import Predictions
from nas.schemas.predictions import PredictedImage, PredictionsPublic

Layer = Literal["image", "mask", "prediction"]
"""What a picture shows."""


def predictions_public(search_id: str, number: int, predictions: Predictions) -> PredictionsPublic:
    """Make the answer about the predictions of a trial."""
    examples = predictions.examples

    def image(place: int) -> PredictedImage:
        return PredictedImage(
            row=examples.rows[place],
            image=picture_path(search_id, number, predictions, place, "image"),
            mask=picture_path(search_id, number, predictions, place, "mask"),
            prediction=picture_path(search_id, number, predictions, place, "prediction"),
            mask_classes=examples.mask_classes[place],
            predicted_classes=predictions.map_classes[place],
            agreement=predictions.agreement[place],
        )

    return PredictionsPublic(
        iteration=predictions.iteration,
        size=examples.size,
        class_names=examples.class_names,
        colours=tuple(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in examples.colours),
        images=tuple(map(image, range(len(examples.rows)))),
    )


def picture_path(search_id: str, number: int, predictions: Predictions, place: int, layer: Layer) -> str:
    """Make the address of a picture, with the digest of its content: what an address shows never changes."""
    content, _ = picture(predictions, place, layer)
    return f"/v1/searches/{search_id}/trials/{number}/predictions/{place}/{layer}?v={digest(content)}"


def picture(predictions: Predictions, place: int, layer: Layer) -> tuple[bytes, str]:
    """Return the content of a picture and its media type."""
    if layer == "image":
        return predictions.examples.images[place], "image/jpeg"
    pictures = predictions.examples.masks if layer == "mask" else predictions.maps
    return pictures[place], "image/png"


def digest(content: bytes) -> str:
    """Compute a short digest of a picture, for its address and its entity tag."""
    return hashlib.sha256(content).hexdigest()[:16]
