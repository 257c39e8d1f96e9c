"""A search of every kind in the store of a running service, as drivers would have written it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from nas.results.proposal import Proposal
from nas.results.snapshot import Snapshot
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, CalibrationSpec, Fidelity, FullScaleSpec, ReferenceSpec
from search_spaces import REFERENCE_HEADS
from search_spaces.auto_deeplab.space import sample as sample_network
from search_spaces.dense_cell.space import sample as sample_cell
from tests.builders import measured, predictions, uniform_beta
from tests.conftest import start_driver

# Only names: what a test does not use it should not have to import.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from nas.specs import SearchSpec
    from nas.store import Store
    from search_spaces import Architecture
    from tests.conftest import Service

PROXY = Fidelity(dataset="scenes", rungs=(100, 200))
FULL = Fidelity(dataset="scenes", rungs=(1000,))
SCORES = (0.41, 0.52, 0.48, 0.60, 0.33, 0.57)
"""Of the architectures that are measured at every fidelity."""


@pytest.fixture(scope="module")
def every_kind(service) -> Mapping[str, str]:
    """The id of a search of each kind, by the kind."""
    return one_of_every_kind(service)


def one_of_every_kind(service: Service) -> Mapping[str, str]:
    """Put a search of each kind into the store of a service, and give their ids by kind."""
    store: Store = service.store
    black_box = service.search(trials=12)
    for number, score in enumerate(SCORES):
        service.trial(black_box, number, score - 0.1, score, end=TrialStatus.COMPLETED)
    store.record_predictions(black_box, 0, 1, predictions(200))
    service.trial(black_box, 6, 0.2, end=TrialStatus.PRUNED)
    service.trial(black_box, 7, 0.99, end=TrialStatus.FAILED)
    service.trial(black_box, 8)
    ids = {
        "black_box": black_box,
        "auto_deeplab": _auto_deeplab(store),
        "reference": _reference(store),
        "full_scale": _full_scale(store, black_box),
        "calibration": _calibration(store),
    }
    for search_id in (black_box, ids["reference"]):
        service.finish(search_id)
    return ids


def _auto_deeplab(store: Store) -> str:
    bilevel = BilevelSpec(dataset="scenes", crop=(129, 129))
    search = _started(store, AutoDeepLabSpec(name="trellis", bilevel=bilevel, seeds=2, scoring=PROXY))
    for run in range(2):
        for epoch in range(1, 6):
            snapshot = _snapshot(run, epoch)
            store.add_snapshot(search, 1, run, snapshot)
        _measure(store, search, run, architecture=snapshot.architecture, fidelity=PROXY, score=0.5 + 0.1 * run)
    return search


def _snapshot(run: int, epoch: int) -> Snapshot:
    network = sample_network(3, 6, random.Random(100 * run + epoch))
    return Snapshot(
        epoch=epoch,
        step=10 * epoch,
        architecture=network,
        path=network.path,
        alpha=((0.25, 0.75),),
        beta=uniform_beta(6),
        alpha_entropy=1 - 0.1 * epoch,
        beta_entropy=1 - 0.05 * epoch,
        supernet_miou=0.1 * epoch + 0.01 * run,
        train_loss=1.5,
        architecture_loss=None,
        device_seconds=40.0 * epoch,
        finished=epoch == 5,
    )


def _reference(store: Store) -> str:
    search = _started(store, ReferenceSpec(name="heads", seeds=2, fidelity=PROXY))
    for number in range(2 * len(REFERENCE_HEADS)):
        seed, index = divmod(number, len(REFERENCE_HEADS))
        score = 0.3 + 0.02 * index + 0.01 * seed
        head = REFERENCE_HEADS[index]
        _measure(store, search, number, architecture=head, fidelity=PROXY, score=score, seed=seed)
    return search


def _full_scale(store: Store, parent: str) -> str:
    numbers = tuple(range(len(SCORES)))
    spec = FullScaleSpec(name="again", of=parent, sampling="top", trials=numbers, fidelity=FULL)
    record, _ = store.create_search(spec, parent=parent)
    start_driver(store, record.id)
    for number in numbers:
        _measure(store, record.id, number, architecture=_cell(number), fidelity=FULL, score=SCORES[number] + 0.05)
    return record.id


def _calibration(store: Store) -> str:
    proxies = {"long": PROXY, "short": PROXY.model_copy(update={"rungs": (100,)})}
    spec = CalibrationSpec(name="which", architectures=len(SCORES), proxies=proxies, training_free=(), full_scale=FULL)
    search = _started(store, spec)
    for turn, fidelity in enumerate((*spec.proxies.values(), FULL)):
        for index, score in enumerate(SCORES):
            number = turn * len(SCORES) + index
            _measure(store, search, number, architecture=_cell(index), fidelity=fidelity, score=score)
    return search


def _cell(number: int) -> Architecture:
    """The cell that `Service.trial` gives to the trial of this number."""
    return sample_cell(5, random.Random(number))


def _started(store: Store, spec: SearchSpec) -> str:
    record, _ = store.create_search(spec)
    start_driver(store, record.id)
    return record.id


def _measure(
    store: Store,
    search: str,
    number: int,
    *,
    architecture: Architecture,
    fidelity: Fidelity,
    score: float,
    seed: int = 0,
) -> None:
    """A completed trial."""
    store.add_trial(search, 1, Proposal(number, architecture, fidelity, seed))
    for rung in fidelity.rungs:
        found = measured(rung, score * rung / fidelity.iterations, rung / 10)
        store.record_measurement(search, number, 1, found)
    store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
