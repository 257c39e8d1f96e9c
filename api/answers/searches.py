"""From the store's searches to what the REST interface answers."""

from __future__ import annotations

from collections.abc import Mapping

from api.answers.base import answer
from nas.kinds.registry import kind_of
from nas.schemas.searches import SearchPage, SearchPublic
from nas.settings import Settings
from nas.store import Overview, Page, SearchRecord
from workers.cluster.jobs import job_id


def dashboard_url(settings: Settings) -> str | None:
    """Where people find the Ray dashboard; None without a cluster."""
    address = settings.ray_dashboard_public or settings.ray_dashboard
    return None if address is None else address.rstrip("/")


def search_public(record: SearchRecord, overview: Overview, settings: Settings) -> SearchPublic:
    """A search with its trials counted, its best one and its cost."""
    dashboard = dashboard_url(settings)
    job = f"{dashboard}/#/jobs/{job_id(record.id, record.attempt)}" if dashboard and record.attempt else None
    kind = kind_of(record.spec)
    return answer(
        SearchPublic,
        record,
        method=kind.method(record.spec),
        dataset=kind.dataset(record.spec),
        trials=overview.trials,
        best=overview.best,
        exportable=overview.best is not None or kind.exports_snapshots(record.spec),
        cost=overview.cost,
        dashboard=job,
    )


def search_page(page: Page[SearchRecord], overviews: Mapping[str, Overview], settings: Settings) -> SearchPage:
    """One page of searches; `overviews` are theirs by id."""
    items = tuple(search_public(record, overviews[record.id], settings) for record in page.items)
    return SearchPage(items=items, next_cursor=page.cursor)
