"""The report of a search: one file to send to somebody who was not there."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from api.answers.documents import fitting
from api.answers.html import HtmlResponse
from api.deps import PanelsDep, SearchDep, SettingsDep, StoreDep
from api.names import class_names
from api.slow_panels import SlowPanels
from nas.results.measurement import Measurement

router = APIRouter(tags=["searches"])


@router.get("/searches/{search_id}/report", response_class=HtmlResponse)
def report_search(search: SearchDep, store: StoreDep, settings: SettingsDep, panels: PanelsDep) -> HtmlResponse:
    """Write the report of a search as one HTML file that needs no script, no network and no other file.

    It has the question, the answer with charts, the best architecture with its drawing and the IoU of each class, the
    leaderboard, how far the scores can be trusted, the cost, software and seeds, and how to repeat the search.
    """
    from nas.report.page import policy, report  # the template engine is not needed before

    def names(dataset: str, curve: Sequence[Measurement]) -> tuple[str, ...]:
        return fitting(class_names(settings, dataset), curve)

    headers = {
        "Content-Security-Policy": policy(),
        "Content-Disposition": f'inline; filename="{search.id}.html"',
    }
    return HtmlResponse(report(search, store, names, SlowPanels(search, store, panels).present), headers=headers)
