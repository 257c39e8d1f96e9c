"""What a comparison needs to know of each search, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.comparison.measured import Measured
from nas.kinds.registry import kind_of
from nas.store import BestStep, EpochEnd, Overview, SearchRecord, SnapshotRecord, Store


@dataclass(frozen=True, slots=True)
class ComparedSearch:
    """One search among those that are compared.

    Attributes:
        search: Its record.
        overview: Its trial counts, best trial and cost.
        measured: How its best score was measured; None before a trial has a score.
        snapshot: The best snapshot of a differentiable search that measures no networks; else None.
        steps: How its best score rose, at the fidelity and rung of its best trial.
        run_seconds: Device-seconds of its differentiable runs, which come before all trials.
    """

    search: SearchRecord
    overview: Overview
    measured: Measured | None
    snapshot: SnapshotRecord | None
    steps: tuple[BestStep, ...]
    run_seconds: float

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
    places = {
        search_id: (best.fidelity_key, best.iteration)
        for search_id, overview in overviews.items()
        if (best := overview.best) is not None and best.iteration is not None
    }
    steps, epochs = store.best_by_cost(places), store.epoch_ends(ids)
    return [
        ComparedSearch(
            search=search,
            overview=overviews[search.id],
            measured=_measured(search, overviews[search.id], store),
            snapshot=None if search.id in places else kind_of(search.spec).best_snapshot(search, store),
            steps=tuple(steps.get(search.id, ())),
            run_seconds=_run_seconds(epochs.get(search.id, ())),
        )
        for search in searches
    ]


def _measured(search: SearchRecord, overview: Overview, store: Store) -> Measured | None:
    best = overview.best
    if best is None or best.standing is None:
        return None
    rung = int(best.standing[0])
    curve = {point.iteration: point for point in store.curve(search.id, best.number)}
    environment = curve[rung].environment if rung in curve else None
    return Measured(search.id, search.spec.fidelity_of(best.fidelity_key), rung, environment)


def _run_seconds(ends: Sequence[EpochEnd]) -> float:
    last: Mapping[int, float] = {end.run: end.device_seconds for end in ends}
    return sum(last.values())
