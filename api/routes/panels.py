"""Panels: charts and tables that are shown of a search beside its trials."""

from __future__ import annotations

from itertools import chain

from fastapi import APIRouter

from api.answers.worth import search_panels
from api.deps import PanelsDep, SearchDep, StoreDep
from api.slow_panels import SlowPanels
from nas.kinds.registry import kind_of
from nas.schemas.panels import Panel, TextPanel

router = APIRouter(tags=["panels"])


BEING_MADE = TextPanel(lines=("Charts are being made.",), style="muted", part="analysis", pending=True)


@router.get("/searches/{search_id}/panels")
def list_panels(search: SearchDep, store: StoreDep, panels: PanelsDep) -> list[Panel]:
    """List the charts and tables to show of a search beside its trials, from the measurements so far.

    Every text is in its final form. The panels depend on the kind of the search: its snapshots, its heads, a ranking, a
    calibration, an analysis of what its trials chose. Panels that take long are made beside the answers: the last ones
    are given, and a text panel with `pending` says that newer ones will come.
    """
    found = SlowPanels(search, store, panels).last()
    worth = search_panels(search, store, panels)
    pending = [BEING_MADE] if not all(part.present for part in (*found, worth)) else []
    quick = kind_of(search.spec).panels(search, store)
    return [*chain.from_iterable(part.value or () for part in found), *quick, *(worth.value or ()), *pending]
