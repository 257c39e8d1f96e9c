"""The table of heads of a reference search."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SearchDep, StoreDep
from api.errors import ApiError
from api.openapi.problems import problems
from nas.kinds.reference import KIND as REFERENCE
from nas.ranking.reference_table import reference_table
from nas.schemas.references import ReferencePublic

router = APIRouter(tags=["references"])


@router.get("/searches/{search_id}/heads", responses=problems(409))
def compare_heads(search: SearchDep, store: StoreDep) -> list[ReferencePublic]:
    """Compare the heads of a reference search, from the measurements so far.

    Each row has a head's parameters, multiply-adds, mIoU over the seeds and difference to the bare trunk. A search of
    another kind has no such table (409).
    """
    spec = REFERENCE.own(search.spec)
    if spec is None:
        raise ApiError(409, f"search {search.id} is of kind {search.kind}; only {REFERENCE.name} has such a table")
    rows = reference_table(spec, store.all_trials(search.id))
    return [ReferencePublic.model_validate(row, from_attributes=True) for row in rows]
