"""Makes the REST interface's answers of searches."""

from __future__ import annotations

from collections.abc import Mapping

from api.answers.base import answer
from nas.kinds.confirmation import KIND as CONFIRMATION
from nas.kinds.in_words import trial_name, trial_worth
from nas.kinds.registry import kind_of
from nas.kinds.summaries import Summary
from nas.results.actions import Share, actions
from nas.results.status import TrialStatus
from nas.schemas.searches import BestConfirmedPublic, BestPublic, SearchPage, SearchPublic
from nas.settings import Settings
from nas.specs import objective_text
from nas.store import Page, SearchRecord, TrialRecord
from search_spaces.document import Confirmed
from workers.cluster.jobs import job_id


def dashboard_url(settings: Settings) -> str | None:
    """Find the URL of the Ray dashboard for users; None without a cluster."""
    address = settings.ray_dashboard_public or settings.ray_dashboard
    return None if address is None else address.rstrip("/")


def search_public(record: SearchRecord, summary: Summary, settings: Settings) -> SearchPublic:
    """Make the answer of one search, with its trial counts, its best trial and its cost."""
    dashboard = dashboard_url(settings)
    job = f"{dashboard}/#/jobs/{job_id(record.id, record.attempt)}" if dashboard and record.attempt else None
    kind, overview = kind_of(record.spec), summary.overview
    trials = Share(overview.trials.get(TrialStatus.FAILED, 0), record.planned)
    runs, extendable = Share(overview.failed_runs, record.spec.runs), next(iter(kind.grows), None)
    exportable = summary.best is not None or kind.exports_snapshots(record.spec)
    return answer(
        SearchPublic,
        record,
        method=kind.method(record.spec),
        dataset=kind.dataset(record.spec),
        trials=overview.trials,
        best=_best(record, summary.best, summary.confirmed),
        leaderboard_first=_best(record, summary.passed_over),
        objectives=tuple(map(objective_text, record.spec.goals.objectives)),
        actions=actions(record.status, trials=trials, runs=runs, grows=extendable is not None),
        extendable=extendable,
        exportable=exportable,
        next_command=kind.next_command(record) if exportable else None,
        cost=overview.cost,
        confirmation=overview.children.get(CONFIRMATION.name),
        dashboard=job,
        page=None if settings.public_url is None else f"{settings.public_url.rstrip('/')}/#/{record.id}",
    )


def _best(search: SearchRecord, best: TrialRecord | None, confirmed: Confirmed | None = None) -> BestPublic | None:
    if best is None:
        return None
    return answer(
        BestPublic,
        best,
        named=trial_name(search, best.number),
        worth=trial_worth(search, best, confirmed),
        confirmed=None if confirmed is None else best_confirmed_public(confirmed),
    )


def best_confirmed_public(confirmed: Confirmed) -> BestConfirmedPublic:
    """Make the answer of what a confirmation measured of the best trial."""
    return answer(BestConfirmedPublic, confirmed, mean=confirmed.score)


def search_page(page: Page[SearchRecord], summaries: Mapping[str, Summary], settings: Settings) -> SearchPage:
    """Make the answer of one page of searches; `summaries` has those of the page by search id."""
    items = tuple(search_public(record, summaries[record.id], settings) for record in page.items)
    return SearchPage(items=items, next_cursor=page.cursor)
