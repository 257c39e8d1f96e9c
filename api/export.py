"""The architecture document of a trial, with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas.measurement import Measurement
from nas.store import SearchRecord, TrialRecord
from search_spaces import Provenance, Score, architecture_from_dict, write_document


def trial_document(search: SearchRecord, trial: TrialRecord, curve: Sequence[Measurement]) -> dict[str, Any]:
    """Enough to rebuild the very network and to measure it again."""
    provenance = Provenance(
        search=search.id,
        trial=trial.number,
        seed=trial.seed,
        fidelity=search.spec.fidelity_of(trial.fidelity_key).model_dump(mode="json"),
        scores=tuple(Score(iteration=point.iteration, score=point.score) for point in curve),
        software=search.software or {},
    )
    return write_document(architecture_from_dict(trial.architecture), provenance)
