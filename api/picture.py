"""What the page of a search draws: read from the store in bounded pieces, and made into the data of live events."""

from __future__ import annotations

from api.answers.trials import trials_public
from nas.formatting import score
from nas.kinds.summaries import Summary
from nas.panels.sampling import every
from nas.schemas.live import LeaderboardPublic, ScoresPublic
from nas.schemas.panels import Mark, PointPublic
from nas.store import DrawnScore, Overview, SearchRecord, Store, TrialRecord

SHOWN_ROWS = 50


def leaderboard(store: Store, search_id: str, overview: Overview) -> LeaderboardPublic:
    """Make the first rows of a search's leaderboard."""
    trials = store.list_trials(search_id, "-score", limit=SHOWN_ROWS).items
    points = store.rung_points(search_id, [trial.number for trial in trials])
    return LeaderboardPublic(items=trials_public(trials, points), total=sum(overview.trials.values()))


def scores(store: Store, search: SearchRecord, summary: Summary) -> ScoresPublic:
    """Make the chart of a search's scores, the values of its first objective, at the rung where its leaderboard begins.

    Of many trials every second, fourth, ... is drawn, so that a point that was drawn stays while trials are added.
    """
    first, text = summary.overview.best, search.spec.goals.text
    if first is None or first.iteration is None:
        return ScoresPublic(title="Scores", y_text=text, points=(), best_so_far=())
    record = store.best_so_far(search.id, first.iteration)
    sample = store.sampled_scores(search.id, first.iteration, every(sum(summary.overview.trials.values())))
    drawn = {point.number: point for point in (*sample, *record)}
    return ScoresPublic(
        title=f"Scores at iteration {first.iteration}, and the best so far",
        y_text=text,
        points=tuple(_point(drawn[number], summary.best) for number in sorted(drawn)),
        best_so_far=tuple((point.number, point.value) for point in record),
    )


def _point(drawn: DrawnScore, best: TrialRecord | None) -> PointPublic:
    mark: Mark = "best" if best is not None and drawn.number == best.number else drawn.status.value
    return PointPublic(x=drawn.number, y=drawn.value, text=f"trial {drawn.number}: {score(drawn.value)}", mark=mark)
