"""The Pareto set of a search's trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nas.results.domination import pareto_set
from nas.specs import Goals, Vector
from nas.store import RungResult, SearchRecord, Store


@dataclass(frozen=True)
class ParetoSet:
    """Trials that no other trial beats in one objective without losing in another.

    Attributes:
        iteration: The rung at which they are compared, the deepest that was reached; None where nothing was measured.
        values: Of the objectives by the number of the trial, ascending; each such that the greater one is better.
    """

    iteration: int | None
    values: Mapping[int, Vector]


def pareto_of(results: Iterable[RungResult], goals: Goals) -> ParetoSet:
    """Find the Pareto set of results at one rung; results that lack an objective are left out."""
    listed = list(results)
    known = [(found.number, values) for found in listed if (values := goals.values(found)) is not None]
    chosen = [known[place] for place in pareto_set([values for _, values in known])]
    return ParetoSet(listed[0].iteration if listed else None, dict(chosen))


def pareto_set_of(search: SearchRecord, store: Store) -> ParetoSet:
    """Find the Pareto set of a search's trials by its own objectives; trials that failed are never in it."""
    return pareto_of(store.deepest_results(search.id), search.spec.goals)
