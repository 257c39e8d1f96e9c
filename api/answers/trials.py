"""Makes the REST interface's answers of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.answers.base import answer
from api.answers.documents import fitting, trial_document
from nas.results.measurement import Measurement
from nas.schemas.trials import RungScore, TrialDetail, TrialPage, TrialPublic
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


def trial_page(page: Page[TrialRecord], scores: Mapping[int, Sequence[tuple[int, float]]] | None = None) -> TrialPage:
    """Make the answer of one page of trials.

    Args:
        page: The trials.
        scores: (iteration, score) at each rung, by trial number; None leaves them out.
    """
    items = [trial_public(trial) for trial in page.items]
    if scores is not None:
        items = [item.model_copy(update={"scores": _rungs(scores[item.number])}) for item in items]
    return TrialPage(items=tuple(items), next_cursor=page.cursor)


def _rungs(scores: Sequence[tuple[int, float]]) -> tuple[RungScore, ...]:
    return tuple(RungScore(iteration=iteration, score=score) for iteration, score in scores)
