"""What a search's answer says can be done to it is what the service does, in every status."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.actions import SearchAction
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec

S, T = SearchStatus, TrialStatus

STATES = {
    "queued": lambda service: service.search(running=False),
    "running": lambda service: _with_trials(service, T.COMPLETED, T.FAILED),
    "stopping": lambda service: _moved(service, S.STOPPING),
    "pausing": lambda service: _moved(service, S.PAUSING),
    "paused": lambda service: _ended(service, S.PAUSED, T.FAILED),
    "stopped": lambda service: _ended(service, S.STOPPED, T.FAILED),
    "failed": lambda service: _ended(service, S.FAILED, T.FAILED),
    "failed with every trial": lambda service: _ended(service, S.FAILED, *20 * [T.FAILED]),
    "failed with every run": lambda service: _with_runs(service, S.FAILED, failed=2),
    "failed with a run": lambda service: _with_runs(service, S.FAILED, failed=1),
    "completed with a failed run": lambda service: _with_runs(service, S.COMPLETED, failed=1),
    "completed": lambda service: _ended(service, S.COMPLETED),
    "completed with a failed trial": lambda service: _ended(service, S.COMPLETED, T.FAILED),
}


def _with_trials(service, *ends: TrialStatus) -> str:
    search = service.search()
    for number, end in enumerate(ends):
        service.trial(search, number, *([] if end is T.FAILED else [0.25, 0.5]), end=end)
    return search


def _moved(service, to: SearchStatus) -> str:
    search = service.search()
    service.store.move_search(search, [S.RUNNING], to)
    return search


def _ended(service, to: SearchStatus, *ends: TrialStatus) -> str:
    search = _with_trials(service, *ends)
    if to is S.PAUSED:
        service.store.move_search(search, [S.RUNNING], S.PAUSING)
    service.store.finish_search(search, 1, to)
    return search


def _with_runs(service, to: SearchStatus, failed: int) -> str:
    """A differentiable search of two runs, without trials."""
    bilevel = BilevelSpec(dataset="scenes", crop=(129, 129))
    spec = AutoDeepLabSpec(name="trellis", bilevel=bilevel, seeds=2)
    search = service.store.create_search(spec)[0].id
    service.store.driver_started(search, service.store.begin_driver(search))
    for run in range(failed):
        service.store.fail_run(search, 1, run, "no memory")
    service.store.finish_search(search, 1, to)
    return search


def perform(service, search: str, action: SearchAction, before: dict[str, Any]):
    path = f"/v1/searches/{search}"
    match action:
        case SearchAction.DELETE:
            return service.http.delete(path)
        case SearchAction.EXTEND:
            total = {"trials": 30} if before["kind"] == "black_box" else {"seeds": 3}
            return service.http.post(f"{path}/extend", json=total)
        case SearchAction.RETRY:
            return service.http.post(f"{path}/resume?retry_failed=true")
        case _:
            return service.http.post(f"{path}/{action}")


def state(service, search: str):
    reply = service.http.get(f"/v1/searches/{search}")
    return reply.status_code, {**reply.json(), "updated_at": None}


@pytest.mark.parametrize("action", SearchAction)
@pytest.mark.parametrize("name", STATES)
def test_an_action_changes_a_search_exactly_where_it_is_listed(service, name, action):
    search = STATES[name](service)
    before = state(service, search)
    listed = action in before[1]["actions"]
    reply = perform(service, search, action, before[1])
    assert reply.is_success or not listed, reply.text
    assert (state(service, search) != before) == listed, reply.text


def test_the_pages_say_what_a_search_grows_by(service):
    assert state(service, service.search())[1]["extendable"] == "trials"
