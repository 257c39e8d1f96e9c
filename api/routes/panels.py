"""Panels: what is shown of a search beside its trials."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SearchDep, StoreDep
from nas.kinds.registry import kind_of
from nas.schemas.panels import Panel

router = APIRouter(tags=["panels"])


@router.get("/searches/{search_id}/panels")
def list_panels(search: SearchDep, store: StoreDep) -> list[Panel]:
    """What there is to show of a search beside its trials, of what is measured so far, ready to be drawn.

    Charts and tables with every text in its final form: snapshots, heads, a ranking, a calibration, whatever the search
    is about. A search that has only trials has none, now and later.
    """
    return list(kind_of(search.spec).panels(search, store))
