"""From the store's records to what the REST interface says."""

from __future__ import annotations

from datetime import UTC, datetime

from api.export import trial_document
from nas.measurement import Measurement
from nas.public import (
    BestPublic,
    CostPublic,
    ForecastPublic,
    MeasurementPublic,
    PagePublic,
    SearchPublic,
    StagePublic,
    TrialDetail,
    TrialPublic,
)
from nas.settings import Settings
from nas.store import Page, SearchRecord, Store, TrialRecord, TrialStatus
from workers.cluster import job_id


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


def trial_public(trial: TrialRecord) -> TrialPublic:
    """A trial without its curve."""
    return TrialPublic.model_validate(_trial_fields(trial))


def trial_detail(search: SearchRecord, trial: TrialRecord, curve: list[Measurement]) -> TrialDetail:
    """A trial with its curve, and as a document."""
    points = [MeasurementPublic.model_validate(point.model_dump()) for point in curve]
    document = trial_document(search, trial, curve)
    return TrialDetail.model_validate({**_trial_fields(trial), "curve": points, "document": document})


def trial_page(page: Page[TrialRecord]) -> PagePublic[TrialPublic]:
    """One page of trials."""
    return PagePublic(items=tuple(trial_public(trial) for trial in page.items), next_cursor=page.cursor)


def _trial_fields(trial: TrialRecord) -> dict[str, object]:
    fields = {name: getattr(trial, name) for name in TrialRecord.__dataclass_fields__}
    times = {name: moment(fields[name]) for name in ("created_at", "updated_at", "finished_at")}
    return {**fields, **times}
