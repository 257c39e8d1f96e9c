"""Makes the REST interface's answer of a Pareto set."""

from __future__ import annotations

from api.answers.objectives import objective_public
from api.answers.trials import trial_public
from nas.ranking.pareto import ParetoSet
from nas.schemas.pareto import ParetoPointPublic, ParetoPublic
from nas.store import SearchRecord, Store


def pareto_public(search: SearchRecord, found: ParetoSet, store: Store) -> ParetoPublic:
    """Make the answer of a search's Pareto set; values of what is minimised are as they are, not negative."""
    objectives = search.spec.goals.objectives
    trials = store.numbered_trials(search.id, found.values)
    ordered = sorted(trials, key=lambda trial: found.values[trial.number], reverse=True)
    return ParetoPublic(
        objectives=tuple(map(objective_public, objectives)),
        iteration=found.iteration,
        items=tuple(
            ParetoPointPublic(trial=trial_public(trial), values=tuple(map(abs, found.values[trial.number])))
            for trial in ordered
        ),
    )
