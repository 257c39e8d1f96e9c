"""Measured times that a forecast can rest on: of comparable trials and runs in other searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nas.forecast.runs import EpochTime, epoch_key, epoch_times, share_of
from nas.forecast.steps import step_key
from nas.kinds.registry import kind_of
from nas.specs import Fidelity, SearchSpec
from nas.store import RungTime, Store

PAGE = 200
"""Searches that one query reads."""


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
    resources. The number of trials that ran beside each other, and the machine, make no difference.

    Raises:
        StoreError: The store cannot be read.
    """
    family, share = kind_of(spec).family(spec, store), share_of(spec.resources)
    whole_network = family.whole_network
    keys = {step_key(fidelity, whole_network) for fidelity in spec.fidelities.values()}
    known = store.fidelities() if keys else {}
    fidelities = {key: fidelity for key, fidelity in known.items() if step_key(fidelity, whole_network) in keys}
    comparable: dict[str, bool] = {}
    rungs: list[RungTime] = []
    for time in store.rung_times(fidelities):
        if time.search_id not in comparable:
            other = store.get_search(time.search_id).spec
            alike = share_of(other.resources) == share and kind_of(other).family(other, store) == family
            comparable[time.search_id] = alike
        if comparable[time.search_id] and time.iteration in fidelities[time.fidelity_key].rungs:
            rungs.append(time)
    return MeasuredTimes(tuple(rungs), fidelities, tuple(_epochs(spec, store)), whole_network)


def _epochs(spec: SearchSpec, store: Store) -> Iterator[EpochTime]:
    runs = kind_of(spec).runs(spec)
    if runs is None:
        return
    key = epoch_key(runs)
    cursor: str | None = None
    while True:
        page = store.list_searches(kind=spec.kind, limit=PAGE, cursor=cursor)
        for search in page.items:
            other = kind_of(search.spec).runs(search.spec)
            if other is not None and epoch_key(other) == key:
                yield from epoch_times(other, store.snapshots(search.id))
        cursor = page.cursor
        if cursor is None:
            return
