"""What a comparison needs to know of each search, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.comparison.measured import Measured
from nas.kinds.registry import kind_of
from nas.kinds.summaries import summaries
from nas.store import BestStep, EpochEnd, Overview, SearchRecord, SnapshotRecord, Store, TrialRecord
from search_spaces.document import Confirmed
from search_spaces.environment import Environment


@dataclass(frozen=True, slots=True)
class ComparedSearch:
    """One search among those that are compared.

    Attributes:
        search: Its record.
        overview: Its trial counts and cost.
        best: The trial that is its answer so far (`nas.kinds.summaries`); None without a score.
        confirmed: What a confirmation measured of it; None where none decides which trial is best.
        measured: How its best trial was measured; None without one.
        snapshot: The best snapshot of a differentiable search that measures no networks; else None.
        steps: How its best value of its first objective rose, at the fidelity and rung of its best trial.
        run_seconds: Device-seconds of its differentiable runs, which come before all trials.
    """

    search: SearchRecord
    overview: Overview
    best: TrialRecord | None
    confirmed: Confirmed | None
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
    """Read what a comparison of searches shows, in a fixed number of statements for all with measured trials.

    Args:
        searches: The searches, in the order in which they are shown.
        store: Holds their trials.
    """
    ids = [search.id for search in searches]
    found = summaries(searches, store)
    standing = {
        search_id: (one.best, one.best.standing[0])
        for search_id, one in found.items()
        if one.best is not None and one.best.standing is not None
    }
    places = {search_id: (trial.fidelity_key, rung) for search_id, (trial, rung) in standing.items()}
    steps, epochs = store.best_by_cost(places), store.epoch_ends(ids)
    environments = store.environments_at([(of, trial.number, rung) for of, (trial, rung) in standing.items()])
    return [
        ComparedSearch(
            search=search,
            overview=found[search.id].overview,
            best=found[search.id].best,
            confirmed=found[search.id].confirmed,
            measured=_measured(search, standing.get(search.id), environments.get(search.id)),
            snapshot=None if search.id in places else kind_of(search.spec).best_snapshot(search, store),
            steps=tuple(steps.get(search.id, ())),
            run_seconds=_run_seconds(epochs.get(search.id, ())),
        )
        for search in searches
    ]


def _measured(
    search: SearchRecord, standing: tuple[TrialRecord, int] | None, environment: Environment | None
) -> Measured | None:
    if standing is None:
        return None
    best, rung = standing
    fidelity = search.spec.fidelity_of(best.fidelity_key)
    return Measured(search.id, search.spec.goals.text, fidelity, rung, environment)


def _run_seconds(ends: Sequence[EpochEnd]) -> float:
    last: Mapping[int, float] = {end.run: end.device_seconds for end in ends}
    return sum(last.values())
