"""What a search asks of a trial beyond a score: constraints, and objectives that the data may not have."""

from __future__ import annotations

from nas.models.complexity import Complexity
from nas.results.measurement import Measurement, TrialError
from nas.specs import ClassIou, Goals
from search_spaces.latency import Latency


def check_goals(goals: Goals, complexity: Complexity, latency: Latency | None = None) -> None:
    """Check a trial before it is trained.

    Raises:
        TrialError: It is beyond a constraint.
    """
    broken = goals.beyond(*complexity, None if latency is None else latency.median_ms)
    if broken is not None:
        spread = "" if latency is None else f" (interquartile range {latency.iqr_ms:.3g} ms)"
        raise TrialError(f"not feasible, so it was not trained: {broken}{spread}")


def missing_objective(goals: Goals, measurement: Measurement) -> str:
    """Say which objective a measurement lacks."""
    for objective in goals.objectives:
        if isinstance(objective, ClassIou):
            number, count = objective.number, len(measurement.class_iou)
            if number is None or number >= count:
                return f"objectives names the class {objective.class_iou}, and the data set has {count} classes"
            if measurement.class_iou[number] is None:
                return (
                    f"the class {objective.class_iou} does not occur in the validation images, so its IoU is no "
                    "objective: name a class that occurs, or use more validation images"
                )
    return "none of the classes occurs in the validation images, so there is no IoU"
