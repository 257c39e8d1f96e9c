"""What a comparison needs to know of each search, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.comparison.measured import Measured
from nas.kinds.registry import kind_of
from nas.store import BestStep, EpochEnd, Overview, SearchRecord, SnapshotRecord, Store, TrialRecord


@dataclass(frozen=True, slots=True)
class ComparedSearch:
    """One search among those that are compared.

    Attributes:
        search: Its record.
        overview: Its trial counts and cost.
        best: The trial that is its answer so far, by the objectives and the kind of the search; None without a score.
        measured: How its best trial was measured; None without one.
        snapshot: The best snapshot of a differentiable search that measures no networks; else None.
        steps: How its best value of its first objective rose, at the fidelity and rung of its best trial.
        run_seconds: Device-seconds of its differentiable runs, which come before all trials.
    """

    search: SearchRecord
    overview: Overview
    best: TrialRecord | None
    measured: Measured | None
    snapshot: SnapshotRecord | None
    steps: tuple[BestStep, ...]
    run_seconds: float

    @property
    def objective(self) -> str:
        """The first objective in words."""
        return self.search.spec.goals.text

    @property
    def trials(self) -> int:
        """How many trials there are, of any status."""
        return sum(self.overview.trials.values())


def compared_searches(searches: Sequence[SearchRecord], store: Store) -> list[ComparedSearch]:
    """Read what a comparison of searches shows, in a number of statements that grows with the searches alone.

    Args:
        searches: The searches, in the order in which they are shown.
        store: Holds their trials.
    """
    ids = [search.id for search in searches]
    overviews = store.overviews(ids)
    best = {search.id: kind_of(search.spec).best_trial(search, store) for search in searches}
    places = {
        search_id: (trial.fidelity_key, trial.standing[0])
        for search_id, trial in best.items()
        if trial is not None and trial.standing is not None
    }
    steps, epochs = store.best_by_cost(places), store.epoch_ends(ids)
    return [
        ComparedSearch(
            search=search,
            overview=overviews[search.id],
            best=best[search.id],
            measured=_measured(search, best[search.id], store),
            snapshot=None if search.id in places else kind_of(search.spec).best_snapshot(search, store),
            steps=tuple(steps.get(search.id, ())),
            run_seconds=_run_seconds(epochs.get(search.id, ())),
        )
        for search in searches
    ]


def _measured(search: SearchRecord, best: TrialRecord | None, store: Store) -> Measured | None:
    if best is None or best.standing is None:
        return None
    rung = best.standing[0]
    curve = {point.iteration: point for point in store.curve(search.id, best.number)}
    environment = curve[rung].environment if rung in curve else None
    fidelity = search.spec.fidelity_of(best.fidelity_key)
    return Measured(search.id, search.spec.goals.text, fidelity, rung, environment)


def _run_seconds(ends: Sequence[EpochEnd]) -> float:
    last: Mapping[int, float] = {end.run: end.device_seconds for end in ends}
    return sum(last.values())
