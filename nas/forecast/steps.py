"""How long training steps and validations take: read off measured rungs, continued to ones that nobody measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.specs import Fidelity
from search_spaces.base import content_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def step_key(fidelity: Fidelity, whole_network: bool = False) -> str:
    """Content hash of what decides the cost of a training step and of a validation.

    Two fidelities with the same one may differ in rungs, schedule, the optimiser's values, class weighting, training
    images and views; on a feature bank also in augmentation, which the images of an unfrozen or whole network pay for
    in every step. `whole_network`: the architectures bring their own backbone (auto_deeplab).
    """
    document = fidelity.model_dump(mode="json")
    parts = ["dataset", "crop", "val_images", "batch", "label_stride", "precision"]
    decides = {part: document[part] for part in parts} | {"optimizer": fidelity.optimizer.name}
    if whole_network:
        decides["network"] = fidelity.network.model_dump(mode="json")
    else:
        backbone = ("name", "width", "blocks", "output_stride", "frozen")
        decides |= {"backbone": [document["backbone"][part] for part in backbone], "head": document["head"]}
    if whole_network or not fidelity.backbone.frozen:
        decides["augment"] = document["augment"]
    return content_key(decides)


@dataclass(frozen=True)
class Stretch:
    """From one rung to the next (to the first, from the beginning), as `trials` trials took it on average."""

    steps: int
    first: bool
    trials: int
    seconds: float


@dataclass(frozen=True)
class StepCost:
    """seconds = steps * per_step + per_rung, and `start` on the way to the first rung.

    `start` is what the first step pays once (memory, kernels, a captured graph), `per_rung` a validation. Where the
    stretches that were measured cannot tell these apart they are part of `per_step`.
    """

    per_step: float
    per_rung: float
    start: float

    def seconds(self, steps: int, first: bool) -> float:
        """Of a stretch."""
        return steps * self.per_step + self.per_rung + first * self.start


def fit(stretches: Sequence[Stretch]) -> StepCost | None:
    """Least squares with no negative part, a stretch weighing as many as its trials; None without a stretch.

    Parts come in the order steps, validation, start, each only if the stretches tell it from those before.
    """
    if not stretches:
        return None
    # Here, because the HTTP service forecasts seldom and starts often.
    import numpy as np
    from scipy.optimize import nnls

    columns = np.array([[stretch.steps, 1.0, float(stretch.first)] for stretch in stretches])
    weights = np.sqrt([stretch.trials for stretch in stretches])
    seconds = np.array([stretch.seconds for stretch in stretches])
    known = _independent(columns)
    parts = np.zeros(3)
    parts[known] = nnls(columns[:, known] * weights[:, None], seconds * weights)[0]
    if parts[0] == 0:  # noise outweighs a few short steps: all of the time is then the steps'
        parts = np.zeros(3)
        parts[0] = math.fsum(stretch.trials * stretch.seconds for stretch in stretches) / math.fsum(
            stretch.trials * stretch.steps for stretch in stretches
        )
    per_step, per_rung, start = map(float, parts)
    return StepCost(per_step, per_rung, start)


def _independent(columns: NDArray[np.float64]) -> list[int]:
    """Columns that are no combination of those before them."""
    import numpy as np

    scaled = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    known: list[int] = []
    for column in range(columns.shape[1]):
        if np.linalg.matrix_rank(scaled[:, [*known, column]]) > len(known):
            known.append(column)
    return known
