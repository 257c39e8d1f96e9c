"""The panel of a search with several objectives: a table of its Pareto set."""

from __future__ import annotations

from collections.abc import Iterable

from nas.formatting import objective_value
from nas.ranking.pareto import ParetoSet
from nas.schemas.panels import ColumnPublic, Panel, TablePanel, TextPanel
from nas.specs import Goals, objective_text
from nas.store.records import TrialRecord


def pareto_panels(goals: Goals, found: ParetoSet, trials: Iterable[TrialRecord]) -> tuple[Panel, ...]:
    """Make the table of a Pareto set, best first by the first objective.

    Args:
        goals: Of the search.
        found: The set.
        trials: Those of the set.
    """
    if not found.values:
        return (TextPanel(lines=("the Pareto set is empty: no trial is measured yet",), style="muted"),)
    texts = [objective_text(objective) for objective in goals.objectives]
    columns = (
        ColumnPublic(text="Trial", numeric=True),
        *(ColumnPublic(text=text, numeric=True) for text in texts),
        ColumnPublic(text="Architecture"),
    )
    ordered = sorted(trials, key=lambda trial: found.values[trial.number], reverse=True)
    rows = (
        (
            f"#{trial.number}",
            *(map(objective_value, texts, map(abs, found.values[trial.number]))),
            trial.text,
        )
        for trial in ordered
    )
    title = f"Pareto set at iteration {found.iteration}"
    return (TablePanel(title=title, columns=columns, rows=tuple(rows)),)
