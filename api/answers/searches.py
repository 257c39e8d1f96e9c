"""From the store's records to what the REST interface says."""

from __future__ import annotations

from datetime import UTC, datetime

from api.answers.kinds import dataset_of, exportable, method_of
from nas.results.status import TrialStatus
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.searches import BestPublic, CostPublic, SearchPublic, StagePublic
from nas.settings import Settings
from nas.store import SearchRecord, Store, TrialRecord
from workers.cluster.jobs import job_id


def moment(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as a UTC time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def dashboard_url(settings: Settings) -> str | None:
    """Where people find the Ray dashboard; None without a cluster."""
    address = settings.ray_dashboard_public or settings.ray_dashboard
    return None if address is None else address.rstrip("/")


def search_public(record: SearchRecord, store: Store, settings: Settings) -> SearchPublic:
    """A search with its trials counted, its best one and its cost: three more reads of the store."""
    counted = store.count_trials(record.id)
    best = store.best_trial(record.id)
    dashboard = dashboard_url(settings)
    job = f"{dashboard}/#/jobs/{job_id(record.id, record.attempt)}" if dashboard and record.attempt else None
    created, updated = moment(record.created_at), moment(record.updated_at)
    assert created is not None
    assert updated is not None
    return SearchPublic(
        id=record.id,
        kind=record.spec.kind,
        method=method_of(record.spec),
        dataset=dataset_of(record.spec),
        name=record.spec.name,
        status=record.status,
        message=record.message,
        stage=None if record.stage is None else StagePublic.model_validate(record.stage, from_attributes=True),
        attempt=record.attempt,
        trials={status: counted.get(status, 0) for status in TrialStatus},
        planned=record.spec.planned,
        cost=CostPublic.model_validate(store.search_cost(record.id), from_attributes=True),
        forecast=None if record.forecast is None else ForecastPublic.model_validate(record.forecast),
        parent=record.parent,
        best=None if best is None else best_public(best),
        exportable=exportable(record.spec, best),
        spec=record.spec,
        dashboard=job,
        created_at=created,
        updated_at=updated,
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
    )


def best_public(trial: TrialRecord) -> BestPublic:
    """The trial as the best one; it has been measured."""
    assert trial.score is not None
    assert trial.iteration is not None
    return BestPublic(number=trial.number, score=trial.score, iteration=trial.iteration)
