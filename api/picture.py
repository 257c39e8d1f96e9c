"""What the page of a search draws: read from the store in bounded pieces, and made into the data of live events."""

from __future__ import annotations

from api.answers.trials import trials_public
from nas.formatting import score
from nas.panels.sampling import every
from nas.schemas.live import LeaderboardPublic, ScoresPublic
from nas.schemas.panels import Mark, PointPublic
from nas.store import DrawnScore, Overview, SearchRecord, Store

SHOWN_ROWS = 50


def leaderboard(store: Store, search_id: str, overview: Overview) -> LeaderboardPublic:
    """Make the first rows of a search's leaderboard."""
    trials = store.list_trials(search_id, "-score", limit=SHOWN_ROWS).items
    points = store.rung_points(search_id, [trial.number for trial in trials])
    return LeaderboardPublic(items=trials_public(trials, points), total=sum(overview.trials.values()))


def scores(store: Store, search: SearchRecord, overview: Overview) -> ScoresPublic:
    """Make the chart of a search's scores, the values of its first objective, at the rung of its best trial.

    Of many trials every second, fourth, ... is drawn, so that a point that was drawn stays while trials are added.
    """
    best, text = overview.best, search.spec.goals.text
    if best is None or best.iteration is None:
        return ScoresPublic(title="Scores", y_text=text, points=(), best_so_far=())
    record = store.best_so_far(search.id, best.iteration)
    sample = store.sampled_scores(search.id, best.iteration, every(sum(overview.trials.values())))
    drawn = {point.number: point for point in (*sample, *record)}
    return ScoresPublic(
        title=f"Scores at iteration {best.iteration}, and the best so far",
        y_text=text,
        points=tuple(_point(drawn[number], best.number) for number in sorted(drawn)),
        best_so_far=tuple((point.number, point.value) for point in record),
    )


def _point(drawn: DrawnScore, best: int) -> PointPublic:
    mark: Mark = "best" if drawn.number == best else drawn.status.value
    return PointPublic(x=drawn.number, y=drawn.value, text=f"trial {drawn.number}: {score(drawn.value)}", mark=mark)
