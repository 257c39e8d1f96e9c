"""What an answer says about a search by its kind, apart from its panels (`api.answers.panels`)."""

from __future__ import annotations

from nas.specs import AutoDeepLabSpec, BlackBoxSpec, CalibrationSpec, SearchSpec
from nas.store import TrialRecord


def method_of(spec: SearchSpec) -> str:
    """How a search searches, in words: the name of a black-box search's strategy, else the kind."""
    return spec.strategy.name if isinstance(spec, BlackBoxSpec) else spec.kind.replace("_", " ")


def dataset_of(spec: SearchSpec) -> str:
    """The name of the data set that a search searches on."""
    match spec:
        case AutoDeepLabSpec():
            return spec.bilevel.dataset
        case CalibrationSpec():
            return spec.full_scale.dataset
    return spec.fidelity.dataset


def exportable(spec: SearchSpec, best: TrialRecord | None) -> bool:
    """Whether a search's best architecture can be asked for.

    Where a differentiable search measures no networks, the last one of its best run is exported, which is there from
    the first epoch on.
    """
    return best is not None or (isinstance(spec, AutoDeepLabSpec) and spec.scoring is None)
