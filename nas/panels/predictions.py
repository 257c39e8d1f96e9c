"""The panel of what a trial predicts on a few validation images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.schemas.panels import PicturePublic, PictureRowPublic, PicturesPanel, SwatchPublic
from nas.schemas.predictions import PredictedImage, PredictionsPublic

NAMED = 8
"""How many classes a description of a picture names."""


def predictions_panel(predictions: PredictionsPublic) -> PicturesPanel:
    """Make the panel: a row of image, label map and prediction for each image, above a legend of the classes."""
    shown = {c for image in predictions.images for c in (*image.mask_classes, *image.predicted_classes)}
    return PicturesPanel(
        title=f"Predictions on validation images at iteration {predictions.iteration:,}",
        columns=("Image", "Label map", "Prediction"),
        rows=tuple(_row(image, predictions.class_names) for image in predictions.images),
        legend=tuple(
            SwatchPublic(colour=predictions.colours[index], text=predictions.class_names[index])
            for index in sorted(shown)
        ),
    )


def _row(image: PredictedImage, names: Sequence[str]) -> PictureRowPublic:
    right = "" if image.agreement is None else f": {image.agreement:.1%} of the labelled pixels are right"
    return PictureRowPublic(text=f"Validation image {image.row}{right}", pictures=tuple(_pictures(image, names)))


def _pictures(image: PredictedImage, names: Sequence[str]) -> Iterator[PicturePublic]:
    yield PicturePublic(path=image.image, text=f"Validation image {image.row}", smooth=True)
    for path, what, classes in (
        (image.mask, "Label map", image.mask_classes),
        (image.prediction, "Prediction", image.predicted_classes),
    ):
        listed = ", ".join(names[index] for index in classes[:NAMED])
        more = f" and {len(classes) - NAMED} more" if len(classes) > NAMED else ""
        yield PicturePublic(path=path, text=f"{what} of image {image.row}: {listed or 'no class'}{more}", smooth=False)
