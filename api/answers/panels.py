"""Which panels a search of each kind has: the one mapping from a kind to what is shown beside its trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

from nas.panels.heads import heads_panels
from nas.panels.snapshots import snapshot_panels
from nas.ranking.reference_table import reference_table
from nas.results.snapshot import Snapshot
from nas.schemas.panels import Panel
from nas.specs import AutoDeepLabSpec, CalibrationSpec, FullScaleSpec, ReferenceSpec
from nas.store import SearchRecord, Store


def panels_of(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    """The panels of a search from what it has measured so far; none for a kind that shows only trials."""
    read = _PANELS.get(search.spec.kind)
    return () if read is None else read(search, store)


def _snapshots(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    assert isinstance(search.spec, AutoDeepLabSpec)
    runs = {
        run: [Snapshot.model_validate(record.payload) for record in records]
        for run, records in groupby(store.snapshots(search.id), key=lambda record: record.run)
    }
    trials = {trial.architecture_key: trial for trial in store.all_trials(search.id)}
    return snapshot_panels(search.spec.supernet, runs, trials)


def _heads(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    assert isinstance(search.spec, ReferenceSpec)
    return heads_panels(reference_table(search.spec, store.all_trials(search.id)))


# numpy and scipy, which the statistics need, are not imported at the service's start.


def _ranking(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    from nas.panels.ranking import ranking_panels
    from nas.ranking.from_store import search_ranking

    assert isinstance(search.spec, FullScaleSpec)
    found, _ = search_ranking(store.get_search(search.spec.of), [(search.id, search.spec)], store)
    return ranking_panels(found)


def _calibration(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    from nas.panels.calibration import calibration_panels
    from nas.ranking.from_store import calibration

    assert isinstance(search.spec, CalibrationSpec)
    found, _ = calibration(search.id, search.spec, store)
    return calibration_panels(found)


_PANELS: Mapping[str, Callable[[SearchRecord, Store], tuple[Panel, ...]]] = {
    "auto_deeplab": _snapshots,
    "reference": _heads,
    "full_scale": _ranking,
    "calibration": _calibration,
}
