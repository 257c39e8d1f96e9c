"""Live events of a search that have what a page draws, bounded however many trials the search has."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel
from nas.schemas.panels import PointPublic
from nas.schemas.trials import TrialPublic


class LeaderboardPublic(PublicModel):
    """The first trials of the leaderboard, each with the scores at its rungs."""

    items: tuple[TrialPublic, ...]
    total: int = Field(description="Number of trials of the search.")


class ScoresPublic(PublicModel):
    """The values of the first objective at the rung of the best trial, by trial: a sample, and the best so far."""

    title: str
    y_text: str = Field("mIoU", description="What the scores are: the search's first objective, in words.")
    points: tuple[PointPublic, ...] = Field(description="Ascending in x, the number of the trial.")
    best_so_far: tuple[tuple[float, float], ...] = Field(
        description="(x, y) of each trial that scored higher than all of a lower number, ascending in both."
    )
