"""Measured times that a forecast can rest on: those of comparable trials and runs of other searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nas.forecast.runs import EpochTime, epoch_key, epoch_times, share_of
from nas.forecast.steps import step_key
from nas.kinds.registry import kind_of
from nas.specs import Fidelity, SearchSpec
from nas.store import RungTime, Store

PAGE = 200
"""Searches that are read at a time."""


@dataclass(frozen=True)
class MeasuredTimes:
    """Times of comparable searches: of their trials, with the fidelities they were measured at, and of their runs.

    `whole_network`: the architectures bring their own backbone, so a fidelity's backbone and head cost nothing.
    """

    rungs: Sequence[RungTime] = ()
    fidelities: Mapping[str, Fidelity] | None = None
    epochs: Sequence[EpochTime] = ()
    whole_network: bool = False


def comparable_times(spec: SearchSpec, store: Store) -> MeasuredTimes:
    """All that was measured of the same kind of architectures with the same share of a machine.

    Comparable are searches whose architectures come from the same space (for reference heads: which measure the same
    heads; for a differentiable search: with as many layers and blocks), with the same resources for a trial. How many
    trials ran beside each other, and on which machine, is not told apart. StoreError.
    """
    family, share = kind_of(spec).family(spec, store), share_of(spec.resources)
    whole = family.whole_network
    keys = {step_key(fidelity, whole) for fidelity in spec.fidelities.values()}
    known = store.fidelities() if keys else {}
    fidelities = {key: fidelity for key, fidelity in known.items() if step_key(fidelity, whole) in keys}
    comparable: dict[str, bool] = {}
    rungs: list[RungTime] = []
    for time in store.rung_times(fidelities):
        if time.search_id not in comparable:
            other = store.get_search(time.search_id).spec
            alike = share_of(other.resources) == share and kind_of(other).family(other, store) == family
            comparable[time.search_id] = alike
        if comparable[time.search_id] and time.iteration in fidelities[time.fidelity_key].rungs:
            rungs.append(time)
    return MeasuredTimes(tuple(rungs), fidelities, tuple(_epochs(spec, store)), whole)


def _epochs(spec: SearchSpec, store: Store) -> Iterator[EpochTime]:
    runs = kind_of(spec).runs(spec)
    if runs is None:
        return
    wanted = epoch_key(runs)
    cursor: str | None = None
    while True:
        page = store.list_searches(kind=spec.kind, limit=PAGE, cursor=cursor)
        for search in page.items:
            other = kind_of(search.spec).runs(search.spec)
            if other is not None and epoch_key(other) == wanted:
                yield from epoch_times(other, store.snapshots(search.id))
        cursor = page.cursor
        if cursor is None:
            return
