"""A reconciler on a real store, with a cluster that behaves as told.

Ray is not what is tested here; tests/api/test_process.py runs the same loop against a real one.
"""

from __future__ import annotations

import pytest

from api.driver_logs import DriverLogs
from api.reconciler import Reconciler
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec
from nas.store import Store
from tests.api.told_cluster import ToldCluster, Watch
from workers.cluster.jobs import job_id


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        store.migrate()
        yield store


@pytest.fixture
def search(store, service):
    return store.create_search(BlackBoxSpec.model_validate(service.spec))[0]


@pytest.fixture
def cluster():
    return ToldCluster()


@pytest.fixture
def clock():
    return Watch()


@pytest.fixture
def make(store, cluster, clock, tmp_path):
    """Make a reconciler, of a service of its own."""
    return lambda: Reconciler(
        store, cluster, seconds=0.01, max_attempts=3, logs=DriverLogs(tmp_path / "logs", cluster, clock), clock=clock
    )


@pytest.fixture
def reconciler(make):
    return make()


@pytest.fixture
def next_driver(reconciler, store, clock, search):
    """Wait until the search has its next driver, which starts; its job."""

    def start() -> str:
        before = store.get_search(search.id)
        if before.status is SearchStatus.QUEUED:
            reconciler.run_once()
            clock.now += (before.hold_seconds or 0.0) + 0.1
            reconciler.run_once()
        found = store.get_search(search.id)
        store.driver_started(search.id, found.attempt)
        return job_id(search.id, found.attempt)

    return start


@pytest.fixture
def add_trial(store, search):
    """Add a trial of the search, as its present driver."""

    def add(number: int = 0) -> None:
        from search_spaces import PUBLISHED_CELL

        found = store.get_search(search.id)
        store.add_trial(search.id, found.attempt, Proposal(number, PUBLISHED_CELL, found.spec.fidelity, number))

    return add
