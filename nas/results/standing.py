"""Which of two results is better: the one definition, for leaderboards, rankings and strategies alike."""

from __future__ import annotations


def standing(iteration: int, score: float) -> tuple[int, float]:
    """A result's sort key; the higher one is the better result.

    A deeper rung comes before a higher score: early stopping let that trial go on, and scores of different rungs do
    not compare. `nas.store.leaderboard.best_of` is the same in SQL.

    Args:
        iteration: Training iterations at the deepest rung measured.
        score: Validation mIoU there, in [0, 1].

    Returns:
        A tuple that compares with those of other results.
    """
    return iteration, score
