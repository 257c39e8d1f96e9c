"""Makes the REST interface's answers of trials."""

from __future__ import annotations

from api.answers.base import answer
from api.answers.documents import fitting, trial_document
from nas.results.measurement import Measurement
from nas.schemas.trials import TrialDetail, TrialPage, TrialPublic
from nas.store import Page, SearchRecord, TrialRecord


def trial_public(trial: TrialRecord) -> TrialPublic:
    """Make the short answer of a trial."""
    return TrialPublic.model_validate(trial, from_attributes=True)


def trial_detail(
    search: SearchRecord, trial: TrialRecord, curve: list[Measurement], classes: tuple[str, ...]
) -> TrialDetail:
    """Make the full answer of a trial: with its learning curve and the document; for `classes` see there."""
    return answer(
        TrialDetail,
        trial_public(trial),
        curve=curve,
        class_names=fitting(classes, curve),
        document=trial_document(search, trial, curve, classes),
    )


def trial_page(page: Page[TrialRecord]) -> TrialPage:
    """Make the answer of one page of trials."""
    return TrialPage(items=tuple(trial_public(trial) for trial in page.items), next_cursor=page.cursor)
