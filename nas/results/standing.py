"""Which of two results is better: the one definition, for leaderboards, rankings and strategies alike."""

from __future__ import annotations

from typing import TypeAlias

from nas.results.status import TrialStatus

Standing: TypeAlias = tuple[int, float]
"""A result's sort key: the greater one is the better result."""


def standing(iteration: int, score: float) -> Standing:
    """The sort key of a result among the results of a search.

    A deeper rung comes before a higher score: early stopping let that trial go on, and scores of different rungs do
    not compare. `nas.store.leaderboard.best_of` is the same in SQL.

    Args:
        iteration: Training iterations at the deepest rung measured.
        score: Validation mIoU there, in [0, 1].
    """
    return iteration, score


def trial_standing(status: TrialStatus, iteration: int | None, score: float | None) -> Standing | None:
    """The sort key of a trial by the deepest rung that it has measured; None for one that failed or has no score.

    Args:
        status: The trial's status.
        iteration: Its deepest rung, None before the first.
        score: The score there, None before the first.
    """
    if status is TrialStatus.FAILED or iteration is None or score is None:
        return None
    return standing(iteration, score)
