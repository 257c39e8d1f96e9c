"""The examples of a fidelity, and the pictures of what a trial predicts on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from nas.aids import remark_once
from nas.cache.documents import made_once
from nas.data.class_maps import class_png, classes_by_area, read_class_png
from nas.data.dataset import IGNORE, Uint8
from nas.data.examples import examples_key, halved, make_examples, shrink
from nas.results.predictions import Examples, Predictions
from nas.training.loop.batches import Batches
from nas.training.loop.distributed import Peers
from nas.training.loop.predictions import PredictionKeeper
from nas.training.prepare import Prepared

OnPredictions = Callable[[Predictions], None]
"""Called with the predictions of a rung, before its measurement is yielded."""

MOST_BYTES = 64 * 1024
"""Of the maps of a trial's predictions together; maps that take more are halved in size."""


def find_examples(prepared: Prepared) -> Examples | None:
    """Read the examples of a fidelity from the cache, or make them; they are an aid.

    Returns:
        The examples; None, with one warning, where they cannot be made.
    """
    name = prepared.fidelity.dataset
    try:
        source, dataset = prepared.validation_source(), prepared.dataset
        height, width = source.crop
        path = prepared.statistics_folder / f"{examples_key(source, dataset)}-examples.json"
        about = f"{name}: examples of {len(source)} crops of {height}x{width}"
        stored = made_once(
            path, lambda: {"about": about, "examples": make_examples(source, dataset).model_dump(mode="json")}
        )
        return Examples.model_validate(stored["examples"])
    except (OSError, ValueError) as error:
        sentence = f"examples of the data set {name} cannot be made ({error})"
        remark_once("examples", str(error), f"{sentence}: trials go on without predictions to look at")
        return None


def prediction_keeper(examples: Examples | None, batches: Batches, peers: Peers | None) -> PredictionKeeper | None:
    """Make what keeps the predictions on examples; None where there are none.

    All processes of a group call this together; only the first one needs the examples.
    """
    chosen = None if examples is None else (examples.key, examples.rows, examples.size)
    if peers is not None:
        chosen = peers.broadcast(chosen)
    if chosen is None:
        return None
    return PredictionKeeper(*chosen, batches.validation_rows(), peers)


def picture_predictions(iteration: int, examples: Examples, maps: Tensor) -> Predictions:
    """Make the pictures of predicted class maps.

    Args:
        iteration: The rung.
        examples: What is predicted on.
        maps: Classes of `PredictionKeeper.maps`, uint8 `(images, height, width)`.
    """
    classes: Uint8 = maps.numpy()
    palette = np.array(examples.colours, np.uint8)
    return Predictions(
        iteration=iteration,
        examples=examples,
        maps=_within_limit(classes, palette),
        map_classes=tuple(map(classes_by_area, classes)),
        agreement=tuple(_agreement(*pair) for pair in zip(classes, examples.masks, strict=True)),
    )


def _within_limit(maps: Uint8, palette: Uint8) -> tuple[bytes, ...]:
    while True:
        written = tuple(class_png(classes, palette) for classes in maps)
        if sum(map(len, written)) <= MOST_BYTES:
            return written
        height, width = maps.shape[1:]
        maps = np.stack([shrink(classes, halved((height, width))) for classes in maps])


def _agreement(predicted: Uint8, mask: bytes) -> float | None:
    height, width = predicted.shape
    label = shrink(read_class_png(mask), (height, width))
    labelled = label != IGNORE
    return float((predicted[labelled] == label[labelled]).mean()) if labelled.any() else None
