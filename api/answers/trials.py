"""Makes the REST interface's answers of trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from api.answers.base import answer
from api.answers.documents import fitting, trial_document
from nas.formatting import worth_text
from nas.results.measurement import Measurement
from nas.schemas.trials import RungScore, TrialDetail, TrialPage, TrialPublic
from nas.store import Page, RungPoint, SearchRecord, TrialRecord


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
        worth="" if trial.score is None else worth_text(search.spec.goals.text, trial.value, trial.score),
        curve=curve,
        class_names=fitting(classes, curve),
        document=trial_document(search, trial, curve, classes),
    )


def trial_page(page: Page[TrialRecord], scores: Mapping[int, Sequence[RungPoint]] | None = None) -> TrialPage:
    """Make the answer of one page of trials.

    Args:
        page: The trials.
        scores: The points of each learning curve, by trial number; None leaves them out.
    """
    return TrialPage(items=trials_public(page.items, scores), next_cursor=page.cursor)


def trials_public(
    trials: Iterable[TrialRecord], scores: Mapping[int, Sequence[RungPoint]] | None = None
) -> tuple[TrialPublic, ...]:
    """Make the short answers of trials, with the score at each rung where `scores` has the learning curves."""
    items = (trial_public(trial) for trial in trials)
    if scores is None:
        return tuple(items)
    return tuple(item.model_copy(update={"scores": _rungs(scores[item.number])}) for item in items)


def _rungs(points: Iterable[RungPoint]) -> tuple[RungScore, ...]:
    return tuple(RungScore(iteration=point.iteration, score=point.score) for point in points)
