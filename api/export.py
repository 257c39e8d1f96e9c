"""The architecture document of a trial, with where it comes from."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from functools import cache
from typing import Any

from nas.measurement import Measurement
from nas.store import SearchRecord, TrialRecord
from search_spaces import Provenance, Score, architecture_from_dict, write_document

PACKAGES = ("segnas", "torch", "ray", "optuna", "numpy")


def trial_document(search: SearchRecord, trial: TrialRecord, curve: Sequence[Measurement]) -> dict[str, Any]:
    """Enough to rebuild the very network and to measure it again."""
    provenance = Provenance(
        search=search.id,
        trial=trial.number,
        seed=trial.seed,
        fidelity=search.spec.fidelity.model_dump(mode="json"),
        scores=tuple(Score(iteration=point.iteration, score=point.score) for point in curve),
        software=software(),
    )
    return write_document(architecture_from_dict(trial.architecture), provenance)


@cache
def software() -> dict[str, str]:
    """Versions of what is installed where the service runs; a service image without torch cannot name torch's."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
