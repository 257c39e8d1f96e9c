"""Measured times that a forecast can rest on: of comparable trials and runs in other searches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nas.forecast.runs import EpochTime, epoch_key, epoch_times, share_of
from nas.forecast.steps import step_key
from nas.kinds.protocol import Records
from nas.kinds.registry import kind_of
from nas.results.measurement import Measurement
from nas.specs import Fidelity, SearchSpec
from nas.store import RungTime, SearchRecord, SnapshotRecord, Store, TrialRecord

NEWEST = 200
"""Searches that a forecast rests on at most, the newest ones, so that its cost does not grow with the store."""


@dataclass(frozen=True)
class MeasuredTimes:
    """Measured times of the trials and the runs of comparable searches.

    Attributes:
        rungs: Mean times of trials from rung to rung.
        fidelities: The fidelities of `rungs` by fidelity key.
        epochs: Times of the epochs of differentiable runs.
        whole_network: The architectures bring their own backbone, so a fidelity's backbone and head cost nothing.
    """

    rungs: Sequence[RungTime] = ()
    fidelities: Mapping[str, Fidelity] | None = None
    epochs: Sequence[EpochTime] = ()
    whole_network: bool = False


def comparable_times(spec: SearchSpec, store: Store) -> MeasuredTimes:
    """Collect the times measured by searches comparable to `spec`.

    Two searches are comparable if their architectures come from the same space (reference searches: if they measure the
    same heads; differentiable searches: if they have as many layers and blocks) and their trials have the same
    resources. The number of trials that ran beside each other, and the machine, make no difference. Of more than
    `NEWEST` searches at such fidelities the newest ones are looked at.

    Raises:
        StoreError: The store cannot be read.
    """
    family, share = kind_of(spec).family(spec, store), share_of(spec.resources)
    whole_network = family.whole_network
    keys = {step_key(fidelity, whole_network) for fidelity in spec.fidelities.values()}
    known = store.fidelities() if keys else {}
    fidelities = {key: fidelity for key, fidelity in known.items() if step_key(fidelity, whole_network) in keys}
    times = store.rung_times(fidelities, NEWEST)
    searches = store.find_searches({time.search_id for time in times})
    records = _Prefetched(store, searches)
    comparable = {
        search_id
        for search_id, search in searches.items()
        if share_of(search.spec.resources) == share and kind_of(search.spec).family(search.spec, records) == family
    }
    rungs = (
        time for time in times if time.search_id in comparable and time.iteration in fidelities[time.fidelity_key].rungs
    )
    return MeasuredTimes(tuple(rungs), fidelities, tuple(_epochs(spec, store)), whole_network)


class _Prefetched(Records):
    """The records of a store, with some searches and their parents read at once beforehand."""

    def __init__(self, store: Store, searches: Mapping[str, SearchRecord]) -> None:
        parents = {search.parent for search in searches.values() if search.parent is not None}
        self._searches = {**searches, **store.find_searches(parents - searches.keys())}
        self._store = store

    def get_search(self, search_id: str) -> SearchRecord:
        return self._searches.get(search_id) or self._store.get_search(search_id)

    def children(self, search_id: str) -> list[SearchRecord]:
        return self._store.children(search_id)

    def all_trials(self, search_id: str) -> list[TrialRecord]:
        return self._store.all_trials(search_id)

    def numbered_trials(self, search_id: str, numbers: Collection[int]) -> list[TrialRecord]:
        return self._store.numbered_trials(search_id, numbers)

    def trials_until(self, search_id: str, sequence: int) -> list[TrialRecord]:
        return self._store.trials_until(search_id, sequence)

    def measurements(self, search_id: str) -> dict[int, list[Measurement]]:
        return self._store.measurements(search_id)

    def snapshots(self, search_id: str) -> list[SnapshotRecord]:
        return self._store.snapshots(search_id)

    def training_free(
        self, architecture_keys: Collection[str], fidelity_key: str, seed: int
    ) -> dict[str, dict[str, tuple[float, float]]]:
        return self._store.training_free(architecture_keys, fidelity_key, seed)


def _epochs(spec: SearchSpec, store: Store) -> Iterator[EpochTime]:
    runs = kind_of(spec).runs(spec)
    if runs is None:
        return
    key = epoch_key(runs)
    known = {
        search.id: kind_of(search.spec).runs(search.spec)
        for search in store.list_searches(kind=spec.kind, limit=NEWEST).items
    }
    alike = {search_id: other for search_id, other in known.items() if other is not None and epoch_key(other) == key}
    ends = store.epoch_ends(alike)
    for search_id, other in alike.items():
        yield from epoch_times(other, ends.get(search_id, ()))
