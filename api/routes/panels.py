"""Panels: charts and tables that are shown of a search beside its trials."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SearchDep, StoreDep
from nas.kinds.registry import kind_of
from nas.schemas.panels import Panel

router = APIRouter(tags=["panels"])


@router.get("/searches/{search_id}/panels")
def list_panels(search: SearchDep, store: StoreDep) -> list[Panel]:
    """List the charts and tables to show of a search beside its trials, from the measurements so far.

    Every text is in its final form. The panels depend on the kind of the search: its snapshots, its heads, a ranking, a
    calibration. A search that has only trials never has any panels.
    """
    return list(kind_of(search.spec).panels(search, store))
