"""Answers about Pareto sets."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel
from nas.schemas.objectives import ObjectivePublic
from nas.schemas.trials import TrialPublic


class ParetoPointPublic(PublicModel):
    """A trial of the Pareto set."""

    trial: TrialPublic
    values: tuple[float, ...] = Field(
        description="Values of the objectives, in their order: IoU in [0, 1], numbers of parameters and multiply-adds, "
        "milliseconds."
    )


class ParetoPublic(PublicModel):
    """The Pareto set of a search so far, best first by the first objective."""

    objectives: tuple[ObjectivePublic, ...]
    iteration: int | None = Field(
        description="The rung at which trials are compared, the deepest that was reached; null without any."
    )
    items: tuple[ParetoPointPublic, ...]
