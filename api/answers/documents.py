"""The architecture document of a trial or a snapshot, with its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas.results.measurement import Measurement
from nas.store import SearchRecord, SnapshotRecord, TrialRecord
from search_spaces import Provenance, Score, write_document
from search_spaces.document import Confirmed


def trial_document(
    search: SearchRecord,
    trial: TrialRecord,
    curve: Sequence[Measurement],
    classes: tuple[str, ...],
    confirmed: Confirmed | None = None,
) -> dict[str, Any]:
    """Make the document from which the trial's network can be rebuilt and measured again.

    Args:
        search: The trial's search.
        trial: The trial.
        curve: Its measurements.
        classes: Names of the data set's classes; empty where they are not known.
        confirmed: What the search's confirmation measured of it, where that prefers it; else None.
    """
    provenance = Provenance(
        search=search.id,
        trial=trial.number,
        seed=trial.seed,
        fidelity=search.spec.fidelity_of(trial.fidelity_key).model_dump(mode="json"),
        scores=tuple(Score(iteration=point.iteration, score=point.score) for point in curve),
        confirmed=confirmed,
        software=search.software or {},
        environment=curve[-1].environment if curve else None,
        latency=curve[-1].latency if curve else None,
        classes=fitting(classes, curve),
    )
    return write_document(trial.architecture, provenance)


def fitting(classes: tuple[str, ...], curve: Sequence[Measurement]) -> tuple[str, ...]:
    """Return the names of classes, or none where the data set had another number of them when it was measured."""
    return classes if all(len(point.class_iou) == len(classes) for point in curve) else ()


def snapshot_document(search: SearchRecord, record: SnapshotRecord, classes: tuple[str, ...]) -> dict[str, Any]:
    """Make the document of a snapshot's decoded architecture; its seed is that of the run."""
    provenance = Provenance(
        search=search.id, seed=search.spec.seed + record.run, software=search.software or {}, classes=classes
    )
    return write_document(record.architecture, provenance)
