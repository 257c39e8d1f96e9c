"""The order of results from worse to better, which leaderboards, rankings and strategies share."""

from __future__ import annotations

from typing import TypeAlias

from nas.results.status import TrialStatus

Standing: TypeAlias = tuple[int, float]
"""A result's sort key: the greater one is the better result."""


def standing(iteration: int, score: float) -> Standing:
    """Make the sort key of a result among the results of a search.

    A deeper rung counts before a higher score: early stopping let that trial continue, and scores at different rungs
    are not comparable. `nas.store.leaderboard.best_of` is the same in SQL.

    Args:
        iteration: Training iterations at the deepest rung measured.
        score: Validation mIoU at that rung, in [0, 1].
    """
    return iteration, score


def trial_standing(status: TrialStatus, iteration: int | None, score: float | None) -> Standing | None:
    """Make the sort key of a trial by its deepest measured rung; None for a trial that failed or has no score.

    Args:
        status: Status of the trial.
        iteration: Training iterations at the deepest rung measured; None before the first.
        score: Validation mIoU at that rung, in [0, 1]; None before the first.
    """
    if status is TrialStatus.FAILED or iteration is None or score is None:
        return None
    return standing(iteration, score)
