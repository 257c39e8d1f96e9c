"""Snapshots of a differentiable search: the architectures that its runs decode to, epoch by epoch."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.answers.snapshots import snapshot_detail, snapshot_public
from api.answers.svg import SvgResponse
from api.deps import MAX_NUMBER, SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.names import class_names
from api.openapi.problems import problems
from nas.drawing.auto_deeplab import draw_auto_deeplab
from nas.kinds.registry import kind_of
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic
from nas.specs import AutoDeepLabSpec
from nas.store import SearchRecord, SnapshotRecord, Store, TrialRecord

router = APIRouter(tags=["snapshots"], responses=problems(409))

Number = Annotated[int, Path(ge=0, le=MAX_NUMBER)]


@router.get("/searches/{search_id}/snapshots")
def list_snapshots(
    search: SearchDep,
    store: StoreDep,
    run: Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="Only the snapshots of this run.")] = None,
) -> list[SnapshotPublic]:
    """List the architectures that each run decoded to after every epoch so far, by run and epoch.

    `alpha` and `beta` are left out here. A search of another kind has no snapshots (409).
    """
    _differentiable(search)
    trials = _trials(store, search)
    return [snapshot_public(record, trials) for record in store.snapshots(search.id, run)]


@router.get("/searches/{search_id}/snapshots/{run}/{epoch}")
def get_snapshot(
    search: SearchDep, store: StoreDep, settings: SettingsDep, run: Number, epoch: Number
) -> SnapshotDetail:
    """Read one snapshot with `alpha`, `beta` and its architecture as a document."""
    spec = _differentiable(search)
    found = _snapshot(store, search, run, epoch)
    classes = class_names(settings, spec.bilevel.dataset)
    return snapshot_detail(search, spec, found, _trials(store, search), classes)


@router.get("/searches/{search_id}/snapshots/{run}/{epoch}/drawing", response_class=SvgResponse)
def draw_snapshot(search: SearchDep, store: StoreDep, run: Number, epoch: Number) -> SvgResponse:
    """Draw one snapshot as SVG: its cell, and its path on the trellis, whose edges are as wide as `beta` says."""
    _differentiable(search)
    snapshot = _snapshot(store, search, run, epoch).snapshot
    return SvgResponse(draw_auto_deeplab(snapshot.architecture, snapshot.beta).svg)


def _differentiable(search: SearchRecord) -> AutoDeepLabSpec:
    spec = kind_of(search.spec).runs(search.spec)
    if spec is None:
        raise ApiError(409, f"search {search.id} is of kind {search.kind}, which has no runs and so no snapshots")
    return spec


def _snapshot(store: Store, search: SearchRecord, run: int, epoch: int) -> SnapshotRecord:
    found = store.snapshots(search.id, run, epoch)
    if not found:
        raise ApiError(404, f"search {search.id} has no snapshot of run {run} at epoch {epoch}")
    return found[0]


def _trials(store: Store, search: SearchRecord) -> dict[str, TrialRecord]:
    """Read the trials by architecture key; the search measures each architecture at most once."""
    return {trial.architecture_key: trial for trial in store.all_trials(search.id)}
