"""The architecture document of a trial or a snapshot, with its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas.results.measurement import Measurement
from nas.store import SearchRecord, SnapshotRecord, TrialRecord
from search_spaces import Provenance, Score, write_document


def trial_document(search: SearchRecord, trial: TrialRecord, curve: Sequence[Measurement]) -> dict[str, Any]:
    """Make the document from which the trial's network can be rebuilt and measured again."""
    provenance = Provenance(
        search=search.id,
        trial=trial.number,
        seed=trial.seed,
        fidelity=search.spec.fidelity_of(trial.fidelity_key).model_dump(mode="json"),
        scores=tuple(Score(iteration=point.iteration, score=point.score) for point in curve),
        software=search.software or {},
        environment=curve[-1].environment if curve else None,
    )
    return write_document(trial.architecture, provenance)


def snapshot_document(search: SearchRecord, record: SnapshotRecord) -> dict[str, Any]:
    """Make the document of a snapshot's decoded architecture; its seed is that of the run."""
    provenance = Provenance(search=search.id, seed=search.spec.seed + record.run, software=search.software or {})
    return write_document(record.architecture, provenance)
