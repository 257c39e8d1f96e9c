"""The analysis of a search's trials: bounded reads of the store, made into panels (`nas.panels`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from nas.kinds.summaries import Summary, summary
from nas.panels.choices import choices_panel
from nas.panels.failures import failures_panel
from nas.panels.front import front_panels
from nas.panels.importance import importance_panel
from nas.panels.rungs import rungs_panels
from nas.panels.sampling import SAMPLE, every, sample_text
from nas.panels.spending import spending_panel
from nas.panels.timeline import timeline_panel
from nas.results.status import TrialStatus
from nas.schemas.panels import Panel
from nas.specs import Space
from nas.store import RungCount, SearchRecord, Store

SHOWN_SPANS = 200
"""Trials of a timeline."""

SHOWN_REASONS = 20
"""Reasons by which failed trials are grouped."""

SHOWN_BEST = 100
"""The best trials that a chart of choices has beside its sample."""


def trial_panels(search: SearchRecord, rungs: Sequence[int], store: Store) -> tuple[Panel, ...]:
    """Make the panels of rungs, timeline, cost and failures, which a search has from its first trial on."""
    counts = store.rung_counts(search.id)
    trials = sum(count.trials for count in counts)
    if not trials:
        return ()
    step = every(trials)
    sample = store.rung_points(search.id, range(0, trials, step))
    note = f"Median, middle half and best are of {sample_text(step, 'that measured the rung')}."
    running = _count(counts, TrialStatus.RUNNING)
    spent = store.overview(search.id).cost.device_seconds
    panels: list[Panel] = [
        *rungs_panels(rungs, counts, sample, note),
        timeline_panel(store.newest_spans(search.id, SHOWN_SPANS), trials),
        spending_panel(spent, trials - running, search.planned, search.forecast),
    ]
    failed = _count(counts, TrialStatus.FAILED)
    if failed:
        panels.append(failures_panel(store.failures(search.id, SHOWN_REASONS), failed))
    return _analysis(panels)


def size_panels(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    """Make the charts of score against size at the rung of the best trial; none while no size is known."""
    best = store.best_trial(search.id)
    if best is None or best.iteration is None:
        return ()
    trials = store.sized_scores(search.id, best.iteration)
    if not trials:
        return ()
    return _analysis([front_panels(trials, search.spec.goals.text, best.iteration, every(len(trials)))])


def choice_panels(search: SearchRecord, space: Space, store: Store) -> tuple[Panel, ...]:
    """Make the panel of scores against choices at the rung of the leaderboard's first; none before the first score.

    Marked as the best is the trial that `nas.kinds.summaries` says: the one that a confirmation prefers, where there is
    one.
    """
    found = summary(search, store)
    first, best = found.overview.best, found.best
    if first is None or first.iteration is None or best is None:
        return ()
    iteration = first.iteration
    counts = store.rung_counts(search.id)
    step = every(sum(count.trials for count in counts if count.iteration == iteration))
    sample = store.sampled_trials(search.id, step, iteration)
    leading = store.list_trials(search.id, "-score", limit=SHOWN_BEST).items
    known = chain(sample, leading, [best])
    trials = {t.number: t for t in known if t.iteration == iteration and t.standing is not None}
    beside = f" and the best {SHOWN_BEST}" if step > 1 else ""
    shown = f"Shown are {sample_text(step, 'at this iteration')}{beside}."
    notes = (shown, *_preferred(found))
    return _analysis([choices_panel(space, trials.values(), search.spec.goals.text, iteration, best.number, notes)])


def _preferred(found: Summary) -> Iterator[str]:
    """Say which trial is marked where it is not the first of the leaderboard."""
    first, best, confirmed = found.passed_over, found.best, found.confirmed
    if first is not None and best is not None and confirmed is not None:
        yield (
            f"Marked as the best is trial {best.number}, which the confirmation {confirmed.search} prefers to trial "
            f"{first.number}, the first of the leaderboard."
        )


def importance_panels(search_id: str, space: Space, store: Store) -> tuple[Panel, ...]:
    """Make the panel of the importance of choices, over a sample of all trials that have a standing."""
    step = every(sum(count.trials for count in store.rung_counts(search_id)))
    trials = store.sampled_trials(search_id, step)
    which = f"Of {sample_text(step, 'with a score')}: {len(trials):,}, of {SAMPLE:,} at most"
    note = f"{which}; better is as on the leaderboard, a deeper rung before a higher score."
    return _analysis([importance_panel(space, trials, (note,))])


def _analysis(panels: Iterable[Panel]) -> tuple[Panel, ...]:
    return tuple(panel.model_copy(update={"part": "analysis"}) for panel in panels)


def _count(counts: Iterable[RungCount], status: TrialStatus) -> int:
    return sum(count.trials for count in counts if count.status is status)
