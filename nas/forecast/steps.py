"""How long training steps and validations take: fitted to measured rungs, extrapolated to rungs without measurement."""

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
    """Content hash of all that decides the cost of a training step and of a validation.

    Two fidelities with the same key may differ in rungs, schedule, the optimiser's values, class weighting, training
    images and views. On a feature bank they may also differ in augmentation, which costs time in every step only where
    the images pass through the backbone.

    Args:
        fidelity: How trials are trained.
        whole_network: The architectures bring their own backbone (auto_deeplab).
    """
    document = fidelity.model_dump(mode="json")
    parts = ["dataset", "crop", "val_images", "batch", "label_stride", "precision"]
    decides = {part: document[part] for part in parts} | {"optimizer": fidelity.optimizer.name}
    if whole_network:
        decides["network"] = fidelity.network.model_dump(mode="json")
    else:
        backbone = ("name", "width", "blocks", "output_stride", "frozen")
        decides |= {"backbone": [document["backbone"][part] for part in backbone], "head": document["head"]}
        decides |= {"levels": fidelity.backbone.strides}
        if fidelity.backbone.depths is not None:
            decides["depths"] = fidelity.backbone.depths
    if fidelity.holdout is not None:
        decides["holdout"] = document["holdout"]
    if whole_network or not fidelity.backbone.frozen:
        decides["augment"] = document["augment"]
    return content_key(decides)


@dataclass(frozen=True)
class Stretch:
    """The way from one rung to the next, or from the beginning to the first, with its mean time.

    Attributes:
        steps: Training steps between the rungs.
        first: Whether the stretch leads to the first rung.
        trials: Number of trials that were timed.
        seconds: Mean time of the trials.
    """

    steps: int
    first: bool
    trials: int
    seconds: float


@dataclass(frozen=True)
class StepCost:
    """Linear model of the time from rung to rung: steps * per_step + per_rung, plus `start` before the first rung.

    Where the measured stretches do not determine `per_rung` or `start`, these are 0 and part of `per_step`.

    Attributes:
        per_step: Seconds of a training step.
        per_rung: Seconds of a validation.
        start: Seconds that the first step costs once (memory, kernels, a captured graph).
    """

    per_step: float
    per_rung: float
    start: float

    def seconds(self, steps: int, first: bool) -> float:
        """Modelled time of a stretch; `first`: the stretch leads to the first rung."""
        return steps * self.per_step + self.per_rung + first * self.start


def fit(stretches: Sequence[Stretch]) -> StepCost | None:
    """Fit step costs to measured stretches by non-negative least squares, each stretch weighted by its trials.

    The costs enter the fit in the order step, validation, start, each only if the stretches distinguish the cost from
    the earlier costs.

    Returns:
        The fitted costs; None without a stretch.
    """
    if not stretches:
        return None
    # Imported here, because the HTTP service forecasts seldom and starts often.
    import numpy as np
    from scipy.optimize import nnls

    columns = np.array([[stretch.steps, 1.0, float(stretch.first)] for stretch in stretches])
    weights = np.sqrt([stretch.trials for stretch in stretches])
    seconds = np.array([stretch.seconds for stretch in stretches])
    independent = _independent(columns)
    parts = np.zeros(3)
    parts[independent] = nnls(columns[:, independent] * weights[:, None], seconds * weights)[0]
    if parts[0] == 0:  # noise outweighs a few short steps: all of the time then counts as the steps'
        parts = np.zeros(3)
        parts[0] = math.fsum(stretch.trials * stretch.seconds for stretch in stretches) / math.fsum(
            stretch.trials * stretch.steps for stretch in stretches
        )
    per_step, per_rung, start = map(float, parts)
    return StepCost(per_step, per_rung, start)


def _independent(columns: NDArray[np.float64]) -> list[int]:
    """Indices of the columns that are no linear combination of the columns before them."""
    import numpy as np

    scaled = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    independent: list[int] = []
    for column in range(columns.shape[1]):
        if np.linalg.matrix_rank(scaled[:, [*independent, column]]) > len(independent):
            independent.append(column)
    return independent
