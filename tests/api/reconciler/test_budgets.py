"""Searches whose owner's budget is spent: paused as by a user, and resumed when there is more."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.specs.tokens import LimitsRequest, Scope, TokenRequest
from tests.builders import measured
from workers.cluster.jobs import JobState, job_id

HOUR = 3600.0


@pytest.fixture
def token(store):
    return store.create_token(TokenRequest(name="alice", scope=Scope.SUBMIT, device_hours=1.0))[0]


@pytest.fixture
def search(store, service, token):
    """A search of alice's; the fixtures of the folder work on it."""
    return store.create_search(BlackBoxSpec.model_validate(service.spec), owner=token.name)[0]


def spend(store, search_id: str, number: int, hours: float) -> None:
    store.record_measurement(search_id, number, 1, measured(200, 0.5, hours * HOUR))


def test_a_running_search_is_paused_with_the_reason_and_can_go_on(
    reconciler, store, cluster, search, add_trial, token, service
):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    waiting, _ = store.create_search(BlackBoxSpec.model_validate(service.spec), owner="alice")
    other, _ = store.create_search(BlackBoxSpec.model_validate(service.spec), owner="bob")
    for number in range(2):
        add_trial(number)
    spend(store, search.id, 0, 0.75)
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.RUNNING
    spend(store, search.id, 1, 0.5)
    assert reconciler.run_once() is True
    found = store.get_search(search.id)
    assert (found.status, found.message) == (
        SearchStatus.PAUSING,
        "paused: the budget of alice is spent (1.25 of 1 device-hours)",
    )
    assert store.get_search(other.id).status is SearchStatus.STARTING
    assert store.get_search(waiting.id).status in (SearchStatus.PAUSING, SearchStatus.PAUSED)
    assert job_id(search.id, 1) in cluster.stopped
    for attempted in cluster.stopped:
        cluster.jobs[attempted] = JobState.stopped
    for _ in range(3):
        reconciler.run_once()
    assert {store.get_search(one.id).status for one in (search, waiting)} == {SearchStatus.PAUSED}
    assert store.get_search(search.id).message == found.message
    assert {trial.status for trial in store.all_trials(search.id)} == {TrialStatus.STOPPED}
    assert [trial.score for trial in store.all_trials(search.id)] == [0.5, 0.5]

    store.limit_token(token.id, LimitsRequest(device_hours=2.0))
    store.resume_search(search.id)
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.STARTING


def test_without_a_budget_nothing_is_asked_and_nothing_is_paused(reconciler, store, search, add_trial, token):
    store.limit_token(token.id, LimitsRequest())
    reconciler.run_once()
    store.driver_started(search.id, 1)
    add_trial()
    spend(store, search.id, 0, 1000.0)
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.RUNNING


def test_a_fault_in_the_budgets_stops_no_search(reconciler, store, search, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(store, "budgets", broken)
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.STARTING
