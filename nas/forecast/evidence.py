"""What the store knows that a forecast can rest on: comparable trials and runs of other searches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nas.forecast.runs import EpochTime, epoch_key, epoch_times, share_of
from nas.forecast.steps import step_key
from nas.specs import AutoDeepLabSpec, BlackBoxSpec, CalibrationSpec, Fidelity, FullScaleSpec, ReferenceSpec, SearchSpec
from nas.store import RungTime, Store

PAGE = 200
"""Searches that are read at a time."""


@dataclass(frozen=True)
class Evidence:
    """Times of comparable searches: of their trials, with the fidelities they were measured at, and of their runs.

    `whole_network`: the architectures bring their own backbone, so a fidelity's backbone and head cost nothing.
    """

    rungs: Sequence[RungTime] = ()
    fidelities: Mapping[str, Fidelity] | None = None
    epochs: Sequence[EpochTime] = ()
    whole_network: bool = False


def gather(spec: SearchSpec, store: Store) -> Evidence:
    """All that was measured of the same kind of architectures with the same share of a machine.

    Comparable are searches whose architectures come from the same space (for reference heads: which measure the same
    heads; for a differentiable search: with as many layers and blocks), with the same resources for a trial. How many
    trials ran beside each other, and on which machine, is not told apart. StoreError.
    """
    of = _Families(lambda search_id: store.get_search(search_id).spec)
    wanted, whole = (of.family(spec), share_of(spec.resources)), of.whole_network(spec)
    keys = {step_key(fidelity, whole) for fidelity in spec.fidelities.values()}
    known = store.fidelities() if keys else {}
    fidelities = {key: fidelity for key, fidelity in known.items() if step_key(fidelity, whole) in keys}
    comparable: dict[str, bool] = {}
    rungs: list[RungTime] = []
    for time in store.rung_times(fidelities):
        if time.search_id not in comparable:
            other = store.get_search(time.search_id).spec
            comparable[time.search_id] = (of.family(other), share_of(other.resources)) == wanted
        if comparable[time.search_id] and time.iteration in fidelities[time.fidelity_key].rungs:
            rungs.append(time)
    epochs = tuple(_epochs(spec, store)) if isinstance(spec, AutoDeepLabSpec) else ()
    return Evidence(tuple(rungs), fidelities, epochs, whole)


def _epochs(spec: AutoDeepLabSpec, store: Store) -> Iterator[EpochTime]:
    wanted = epoch_key(spec)
    cursor: str | None = None
    while True:
        page = store.list_searches(kind=spec.kind, limit=PAGE, cursor=cursor)
        for search in page.items:
            other = search.spec
            if isinstance(other, AutoDeepLabSpec) and epoch_key(other) == wanted:
                yield from epoch_times(other, store.snapshots(search.id))
        cursor = page.cursor
        if cursor is None:
            return


class _Families:
    """Which architectures a search measures; a full-scale evaluation those of its parent, which is looked up once."""

    def __init__(self, spec_of: Callable[[str], SearchSpec]) -> None:
        self._spec_of = spec_of
        self._parents: dict[str, SearchSpec] = {}

    def family(self, spec: SearchSpec) -> Hashable:
        """Equal where trials cost alike at the same fidelity."""
        match self._origin(spec):
            case BlackBoxSpec(space=space) | CalibrationSpec(space=space):
                return space.kind, space.branches, space.operators
            case ReferenceSpec(heads=heads):
                return frozenset(head.key for head in heads)
            case AutoDeepLabSpec(supernet=supernet):
                return "auto_deeplab", supernet.layers, supernet.blocks
            case other:
                raise AssertionError(other)

    def whole_network(self, spec: SearchSpec) -> bool:
        """Whether its architectures are whole networks."""
        return isinstance(self._origin(spec), AutoDeepLabSpec)

    def _origin(self, spec: SearchSpec) -> SearchSpec:
        if not isinstance(spec, FullScaleSpec):
            return spec
        if spec.of not in self._parents:
            self._parents[spec.of] = self._spec_of(spec.of)
        return self._parents[spec.of]
