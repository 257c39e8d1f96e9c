"""Makes the REST interface's answers of snapshots."""

from __future__ import annotations

from collections.abc import Mapping

from api.answers.base import answer
from api.answers.documents import snapshot_document
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic
from nas.specs import AutoDeepLabSpec
from nas.store import SearchRecord, SnapshotRecord, TrialRecord
from search_spaces.document import architecture_to_dict
from search_spaces.text import architecture_text


def snapshot_public(record: SnapshotRecord, trials: Mapping[str, TrialRecord]) -> SnapshotPublic:
    """Make the short answer of a snapshot; `trials` has those of the search by architecture key."""
    key = record.architecture.key
    trial = trials.get(key)
    return answer(
        SnapshotPublic,
        record.snapshot,
        run=record.run,
        architecture=architecture_to_dict(record.architecture),
        text=architecture_text(record.architecture),
        architecture_key=key,
        trial=None if trial is None else trial.number,
        score=None if trial is None else trial.score,
        created_at=record.created_at,
    )


def snapshot_detail(
    search: SearchRecord,
    spec: AutoDeepLabSpec,
    record: SnapshotRecord,
    trials: Mapping[str, TrialRecord],
    classes: tuple[str, ...],
) -> SnapshotDetail:
    """Make the full answer of a snapshot: with alpha, beta and the document. `spec` is that of the search.

    `classes` are the names of the data set's classes, empty where they are not known.
    """
    return answer(
        SnapshotDetail,
        snapshot_public(record, trials),
        operators=spec.supernet.operators,
        alpha=record.snapshot.alpha,
        beta=record.snapshot.beta,
        document=snapshot_document(search, record, classes),
    )
