"""From the store's trials to what the REST interface answers."""

from __future__ import annotations

from api.answers.documents import trial_document
from api.answers.searches import moment
from nas.results.measurement import Measurement
from nas.results.standing import trial_standing
from nas.schemas.base import PagePublic
from nas.schemas.trials import MeasurementPublic, TrialDetail, TrialPublic
from nas.store import Page, SearchRecord, TrialRecord
from search_spaces import architecture_from_dict, architecture_text


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
    return {
        **fields,
        **times,
        "standing": trial_standing(trial.status, trial.iteration, trial.score),
        "text": architecture_text(architecture_from_dict(trial.architecture)),
    }
