"""What a user does to a search that exists: pause, resume, extend, edit and delete it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Query

from api.answers.searches import search_public
from api.budgets import require_budget
from api.creation import check
from api.deps import ReconcilerDep, SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from api.resuming import resume
from nas.forecast import stored_forecast
from nas.kinds.extension import extended
from nas.kinds.summaries import summary
from nas.results.status import SearchStatus
from nas.schemas.searches import SearchPublic
from nas.specs import EditRequest, ExtendRequest
from nas.store import SearchRecord

log = logging.getLogger("segnas.api")

router = APIRouter(tags=["searches"], route_class=StrictJsonRoute)


@router.post("/searches/{search_id}/pause", status_code=202, responses=problems(409))
def pause_search(search: SearchDep, store: StoreDep, settings: SettingsDep, reconciler: ReconcilerDep) -> SearchPublic:
    """Pause a search: nothing new starts, and what runs ends within seconds. All measurements stay.

    A paused search waits until it is resumed, extended, stopped or deleted. Pausing a search again changes nothing. A
    search that is over or stopping cannot be paused (409).
    """
    queued, active = [SearchStatus.QUEUED], [SearchStatus.STARTING, SearchStatus.RUNNING]
    message = "paused on request"
    if not (
        store.move_search(search.id, queued, SearchStatus.PAUSED, message=message)
        or store.move_search(search.id, active, SearchStatus.PAUSING, message=message)
        # Between the two changes the reconciler may have put the search of a lost driver back into the queue.
        or store.move_search(search.id, queued, SearchStatus.PAUSED, message=message)
    ):
        status = store.get_search(search.id).status
        if status not in (SearchStatus.PAUSING, SearchStatus.PAUSED):
            raise ApiError(409, f"search {search.id} is {status}, so it cannot be paused")
    if reconciler is not None:
        reconciler.wake()
    record = store.get_search(search.id)
    return search_public(record, summary(record, store), settings)


@router.post("/searches/{search_id}/resume", status_code=202, responses=problems(409))
def resume_search(
    *,
    search: SearchDep,
    store: StoreDep,
    settings: SettingsDep,
    reconciler: ReconcilerDep,
    retry_failed: Annotated[bool, Query(description="Also try failed trials and runs again.")] = False,
) -> SearchPublic:
    """Resume a search that was stopped, has failed or is paused: it is queued again, under the same id.

    Trials that are over stay as they are. Those that were stopped with the search continue, each from its checkpoint
    where there is one, and then the rest of the plan follows. `retry_failed=true` tries what failed again too, trials
    and differentiable runs; with it, a completed search that has some can be resumed. Resuming a search that is queued
    or running already changes nothing.
    """
    record = resume(search, store, settings, reconciler, retry_failed=retry_failed)
    return search_public(record, summary(record, store), settings)


@router.post("/searches/{search_id}/extend", status_code=202, responses=problems(409))
def extend_search(
    *,
    body: Annotated[ExtendRequest, Body()],
    search: SearchDep,
    store: StoreDep,
    settings: SettingsDep,
    reconciler: ReconcilerDep,
) -> SearchPublic:
    """Give a search that is over or paused more trials (black_box) or seeds (the other kinds), and queue it again.

    The numbers are new totals: the search goes on as if it had been created with them, and extending it to the same
    total again changes nothing. A stopped or failed search also continues what it had left. Longer training (other
    rungs) is another measurement, and refused (422): measure the architectures again by `/full-scale`.
    """
    record: SearchRecord | None = None
    while record is None:  # again when the search was renamed or extended since it was read
        search = store.get_search(search.id)
        spec = extended(search.spec, body.changes)
        if spec == search.spec:
            return search_public(search, summary(search, store), settings)
        require_budget(store, search.owner)
        check(spec, store, settings, new=False)
        record = store.extend_search(search.id, search.spec, spec, stored_forecast(spec, store))
    if reconciler is not None:
        reconciler.wake()
    return search_public(record, summary(record, store), settings)


@router.patch("/searches/{search_id}")
def edit_search(
    *, body: Annotated[EditRequest, Body()], search: SearchDep, store: StoreDep, settings: SettingsDep
) -> SearchPublic:
    """Change the name, the notes or the tags of a search, whatever its status. What is left out stays."""
    record = store.edit_search(search.id, name=body.name, notes=body.notes, tags=body.tags)
    return search_public(record, summary(record, store), settings)


@router.delete("/searches/{search_id}", status_code=204, responses=problems(409))
def delete_search(search: SearchDep, store: StoreDep, settings: SettingsDep) -> None:
    """Delete a search that is over or paused: trials, measurements, snapshots, checkpoints, logs. There is no way back.

    A search that runs must be stopped first, and searches that measure its trials (full-scale evaluations) or start
    from it (`warm_start`, `start`) must be deleted first (409). Trials that other searches adopted from it keep their
    numbers.
    """
    store.delete_search(search.id)
    for folder in (settings.artifacts, settings.logs):
        _remove(folder / search.id)


def _remove(folder: Path) -> None:
    """Remove a folder; what cannot be removed costs disk space, and is no reason to fail."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError:
        log.warning("the folder %s of a deleted search could not be removed entirely", folder, exc_info=True)
