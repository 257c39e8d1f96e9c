"""What many tests need a valid one of: measurements, trial records, cells, specs. Import them as `tests.builders`.

Every builder gives a complete, valid object; arguments say what a test is about, the rest is a default that no test
should rely on. A change of a model is followed here, and not in every test file.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from nas.data.class_maps import class_png, photo_jpeg
from nas.results.measurement import Measurement
from nas.results.predictions import Examples, Predictions
from nas.results.status import TrialStatus
from nas.specs import BlackBoxSpec, Fidelity, Space, Strategy
from nas.store.records import TrialRecord
from search_spaces import Environment
from search_spaces.auto_deeplab.trellis import Trellis
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.space import sample

ENVIRONMENT = Environment(device="cpu", model="a processor", threads=1, inputs="i", software={"torch": "2"})
"""Where measurements of tests were made, if they say so."""


def measured(iteration: int = 100, score: float = 0.5, seconds: float = 1.0, **changes: Any) -> Measurement:
    """A measurement at one rung, of a single class, on one device that was held all the time.

    Args:
        iteration: The rung.
        score: Validation mIoU in [0, 1]; also the only class's IoU.
        seconds: Since the trial began; also the device-seconds.
        changes: Other fields of `Measurement`, or other values for these.
    """
    given: dict[str, Any] = {
        "iteration": iteration,
        "score": score,
        "class_iou": (score,),
        "train_loss": 1.0,
        "val_loss": 1.0,
        "seconds": seconds,
        "device_seconds": seconds,
    }
    return Measurement(**given | changes)


def predictions(iteration: int = 100, key: str = "e" * 64, **changes: Any) -> Predictions:
    """Predictions of a trial on two images of 2 x 3 pixels with two classes.

    Args:
        iteration: The rung.
        key: Of the examples.
        changes: Other fields of `Predictions`, or other values for these.
    """
    palette = np.array([[128, 64, 128], [70, 130, 180]], np.uint8)
    road = np.array([[0, 0, 1], [0, 255, 1]], np.uint8)
    examples = Examples(
        key=key,
        rows=(1, 4),
        size=(2, 3),
        class_names=("road", "sky"),
        colours=((128, 64, 128), (70, 130, 180)),
        images=tuple(photo_jpeg(np.full((2, 3, 3), grey, np.uint8), (2, 3)) for grey in (60, 180)),
        masks=(class_png(road, palette), class_png(np.ones((2, 3), np.uint8), palette)),
        mask_classes=((0, 1), (1,)),
    )
    sky = class_png(np.ones((2, 3), np.uint8), palette)
    given: dict[str, Any] = {
        "iteration": iteration,
        "examples": examples,
        "maps": (sky, sky),
        "map_classes": ((1,), (1,)),
        "agreement": (0.4, 1.0),
    }
    return Predictions(**given | changes)


def uniform_beta(layers: int, levels: int = 4) -> tuple[tuple[float, ...], ...]:
    """The probabilities of a trellis on which nothing has been learned yet, as a snapshot has them."""
    return tuple((1 / len(group),) * len(group) for group in Trellis(layers, levels).groups)


def trial_record(number: int, score: float | None = 0.5, **changes: Any) -> TrialRecord:
    """A trial as the store gives it: completed at iteration 200, of an architecture of its own (key `a<number>`).

    Args:
        number: Its number in the search.
        score: Validation mIoU; None for a trial that measured nothing, whose other measured fields are None too.
        changes: Other fields of `TrialRecord`.
    """
    none = score is None
    given: dict[str, Any] = {
        "architecture_key": f"a{number}",
        "architecture_json": {"kind": "reference_head", "name": "conv1x1"},
        "fidelity_key": "f",
        "seed": 0,
        "status": TrialStatus.FAILED if none else TrialStatus.COMPLETED,
        "iteration": None if none else 200,
        "seconds": None if none else 1.0,
        "device_seconds": None if none else 1.0,
        "created_at": 0.0,
        "updated_at": 0.0,
        "finished_at": 0.0,
    }
    return TrialRecord(number=number, score=score, **{"value": score, **given, **changes})


def dense_cell(number: int, branches: int = 5) -> DenseCell:
    """A uniform random cell; the same number gives the same cell."""
    return sample(branches, random.Random(number))


def scenes_fidelity(*rungs: int, **changes: Any) -> Fidelity:
    """A proxy fidelity on the data set `scenes`, measured at these rungs (100 and 300 where none are named)."""
    given: dict[str, Any] = {"dataset": "scenes", "rungs": rungs or (100, 300)}
    return Fidelity(**given | changes)


def black_box_spec(
    strategy: Strategy | None = None, space: Space | Mapping[str, Any] | None = None, **changes: Any
) -> BlackBoxSpec:
    """A black-box search at `scenes_fidelity()`, over dense cells; what is left out is the spec's default."""
    given: dict[str, Any] = {"name": "a search", "fidelity": scenes_fidelity()}
    chosen = {name: value for name, value in (("strategy", strategy), ("space", space)) if value is not None}
    return BlackBoxSpec(**given | chosen | changes)
