"""Snapshots of a differentiable search: what its runs decoded to, epoch by epoch."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.answers.documents import snapshot_document
from api.answers.searches import moment
from api.deps import MAX_NUMBER, SearchDep, StoreDep
from api.errors import ApiError
from nas.results.snapshot import Snapshot
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic
from nas.specs import AutoDeepLabSpec
from nas.store import SearchRecord, SnapshotRecord, Store, TrialRecord
from search_spaces import architecture_text, architecture_to_dict

router = APIRouter(tags=["snapshots"])

Number = Annotated[int, Path(ge=0, le=MAX_NUMBER)]


@router.get("/searches/{search_id}/snapshots")
def list_snapshots(
    search: SearchDep,
    store: StoreDep,
    run: Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="Only this run's.")] = None,
) -> list[SnapshotPublic]:
    """What each run decoded to after every epoch so far, by run and epoch; without alpha and beta.

    A search of another kind has none (409).
    """
    _differentiable(search)
    trials = _trials(store, search)
    records = store.snapshots(search.id)
    return [_public(record, trials) for record in records if run is None or record.run == run]


@router.get("/searches/{search_id}/snapshots/{run}/{epoch}")
def get_snapshot(search: SearchDep, store: StoreDep, run: Number, epoch: Number) -> SnapshotDetail:
    """One snapshot with alpha, beta and its architecture as a document."""
    spec = _differentiable(search)
    found = [record for record in store.snapshots(search.id) if (record.run, record.epoch) == (run, epoch)]
    if not found:
        raise ApiError(404, f"search {search.id} has no snapshot of run {run} at epoch {epoch}")
    snapshot = Snapshot.model_validate(found[0].payload)
    public = _public(found[0], _trials(store, search))
    return SnapshotDetail(
        **public.model_dump(),
        operators=spec.supernet.operators,
        alpha=snapshot.alpha,
        beta=snapshot.beta,
        document=snapshot_document(search, spec, found[0]),
    )


def _differentiable(search: SearchRecord) -> AutoDeepLabSpec:
    if not isinstance(search.spec, AutoDeepLabSpec):
        raise ApiError(409, f"search {search.id} is of kind {search.spec.kind}; only auto_deeplab has snapshots")
    return search.spec


def _trials(store: Store, search: SearchRecord) -> dict[str, TrialRecord]:
    """By architecture; each was measured at most once."""
    return {trial.architecture_key: trial for trial in store.all_trials(search.id)}


def _public(record: SnapshotRecord, trials: dict[str, TrialRecord]) -> SnapshotPublic:
    snapshot = Snapshot.model_validate(record.payload)
    trial = trials.get(snapshot.architecture.key)
    fields = snapshot.model_dump(exclude={"architecture", "alpha", "beta"})
    return SnapshotPublic.model_validate(
        {
            **fields,
            "run": record.run,
            "architecture": architecture_to_dict(snapshot.architecture),
            "text": architecture_text(snapshot.architecture),
            "architecture_key": snapshot.architecture.key,
            "trial": None if trial is None else trial.number,
            "score": None if trial is None else trial.score,
            "created_at": moment(record.created_at),
        }
    )
