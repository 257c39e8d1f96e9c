"""Makes the REST interface's answer of an objective."""

from __future__ import annotations

from nas.schemas.objectives import ObjectivePublic
from nas.specs import Objective, objective_direction, objective_text


def objective_public(objective: Objective) -> ObjectivePublic:
    """Name an objective and say which of its values are the better ones."""
    return ObjectivePublic(text=objective_text(objective), direction=objective_direction(objective))
