"""How many SQL statements an answer takes: a fixed number, whatever the page holds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, BlackBoxSpec, ConfirmationSpec
from tests.builders import measured

SEARCHES = 100

# Each transaction's BEGIN is counted too.
OF_A_PAGE_OF_SEARCHES = 8
"""The page; counts with costs, costs of runs, the best trials, the searches that belong to them, failed runs."""
OF_A_SEARCH = 8
OF_SNAPSHOTS = 6
"""The search, its trials, the snapshots."""
OF_A_PAGE_OF_TRIALS = 6
"""The search, the page; by score, also those that have none."""
OF_A_PAGE_WITH_SCORES = 6
"""The search, the page, the scores at its rungs."""
OF_A_COMPARISON = 14
"""The searches, their summaries, curves, times and failures of runs, environments, whatever the number of searches."""
OF_CONFIRMATIONS = 6
"""The confirmations of a page's searches, what they measured, the trials that they prefer."""
OF_A_TRIAL = 7
"""The search, the trial, its curve, the environments of the curve."""

OF_PANELS = 6
"""Counts and measurements, which the analysis of a search's trials and the cost of asking what it is worth read when
they have changed."""
OF_PANELS_AGAIN = 10
"""The search, its last change, the searches that belong to it (twice), the probe of its worth."""


@contextmanager
def statements() -> Iterator[list[str]]:
    """What other threads than this one, those of the service, send to any database."""
    sent: list[str] = []
    here = threading.get_ident()

    def listen(_connection, _cursor, statement: str, *_: object) -> None:
        if threading.get_ident() != here:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield sent
    event.remove(Engine, "before_cursor_execute", listen)


def asked(service, path: str, bound: int):
    """The answer, which takes no more than so many statements."""
    with statements() as sent:
        reply = service.http.get(f"/v1{path}")
    assert reply.status_code == 200, reply.text
    assert 0 < len(sent) <= bound, sent
    return reply.json()


@pytest.fixture(scope="module")
def full(service):
    """The service with more searches than a page holds, each with trials."""
    for number in range(SEARCHES + 5):
        search_id = service.search()
        service.trial(search_id, 0, 0.5, random.Random(number).random(), end=TrialStatus.COMPLETED)
        service.trial(search_id, 1, 0.75)
    return service


@pytest.mark.slow
def test_a_page_of_searches(full):
    page = asked(full, f"/searches?limit={SEARCHES}", OF_A_PAGE_OF_SEARCHES)
    assert len(page["items"]) == SEARCHES
    for search in page["items"]:
        assert (search["trials"]["completed"], search["trials"]["running"]) == (1, 1)
        assert (search["best"]["number"], search["best"]["iteration"]) == (0, 200)
        assert search["cost"] == {"device_seconds": 4.0 + 2.0, "duration": "6.0 s", "measured": 2, "adopted": 0}
    again = asked(full, f"/searches?limit={SEARCHES}&cursor={page['next_cursor']}", OF_A_PAGE_OF_SEARCHES)
    assert len(again["items"]) == 5


def test_a_page_of_calibrations_and_an_empty_one(full):
    assert asked(full, "/calibrations", OF_A_PAGE_OF_SEARCHES)["items"] == []
    assert asked(full, "/searches?status=failed", OF_A_PAGE_OF_SEARCHES)["items"] == []


def test_a_comparison(full):
    ids = [search["id"] for search in full.http.get("/v1/searches?limit=8").json()["items"]]
    for count in (2, 8):
        named = "&".join(f"search={search_id}" for search_id in ids[:count])
        found = asked(full, f"/comparison?{named}", OF_A_COMPARISON)
        assert [search["id"] for search in found["searches"]] == ids[:count]


def test_a_search(full):
    (search,) = full.http.get("/v1/searches?limit=1").json()["items"]
    assert asked(full, f"/searches/{search['id']}", OF_A_SEARCH) == search


def test_trials(full):
    search_id = full.search()
    for number in range(60):
        full.trial(search_id, number, 0.25)
    for query, count in (("limit=50", 50), ("limit=500", 60), ("limit=500&order_by=-score", 60)):
        page = asked(full, f"/searches/{search_id}/trials?{query}", OF_A_PAGE_OF_TRIALS)
        assert len(page["items"]) == count
    page = asked(full, f"/searches/{search_id}/trials?limit=500&scores=true", OF_A_PAGE_WITH_SCORES)
    assert [len(trial["scores"]) for trial in page["items"]] == [1] * 60
    assert len(asked(full, f"/searches/{search_id}/trials/7", OF_A_TRIAL)["curve"]) == 1


@pytest.mark.parametrize("trials", [1, 60])
def test_panels(service, trials):
    search_id = service.search()
    for number in range(trials):
        service.trial(search_id, number, 0.25, end=TrialStatus.PRUNED)
    with statements() as sent:
        for _ in range(600):
            if not any(panel.get("pending") for panel in service.http.get(f"/v1/searches/{search_id}/panels").json()):
                break
            time.sleep(0.05)
    made = [statement for statement in sent if "measurements" in statement or "count(*)" in statement]
    assert 0 < len(made) <= OF_PANELS, made
    again = asked(service, f"/searches/{search_id}/panels", OF_PANELS_AGAIN)
    assert len(again) > 3


def test_snapshots(service, snapshot_at):
    spec = AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(33, 33)))
    record, _ = service.store.create_search(spec)
    attempt = service.store.begin_driver(record.id)
    for epoch in range(1, 31):
        service.store.add_snapshot(record.id, attempt, 0, snapshot_at(epoch))
    assert len(asked(service, f"/searches/{record.id}/snapshots", OF_SNAPSHOTS)) == 30
    assert asked(service, f"/searches/{record.id}/snapshots/0/7", OF_SNAPSHOTS)["epoch"] == 7
    cost = asked(service, f"/searches/{record.id}", OF_A_SEARCH)["cost"]
    assert cost["device_seconds"] == 30 * 12.5


def test_a_search_that_waits(service):
    record, _ = service.store.create_search(BlackBoxSpec.model_validate(service.spec))
    assert asked(service, f"/searches/{record.id}", OF_A_SEARCH)["best"] is None


def test_confirmed_searches_cost_a_page_three_reads_however_many_they_are(full):
    """Of each, trial 1 is confirmed as better than trial 0, which leads."""
    confirmed = [full.search() for _ in range(12)]
    for search_id in confirmed:
        full.trial(search_id, 0, 0.5, 0.9, end=TrialStatus.COMPLETED)
        full.trial(search_id, 1, 0.75)
        full.trial(search_id, 2, 0.5, 0.0, end=TrialStatus.COMPLETED)
        fidelity = full.store.get_search(search_id).spec.fidelity
        spec = ConfirmationSpec(
            name="c", of=search_id, trials=(0, 2), references=(), fidelity=fidelity, seeds=2, seed=8
        )
        child, _ = full.store.create_search(spec, parent=search_id)
        attempt = full.store.begin_driver(child.id)
        full.store.driver_started(child.id, attempt)
        for number in range(4):
            cell = full.store.get_trial(search_id, spec.trials[number % 2]).architecture
            full.store.add_trial(child.id, attempt, Proposal(number, cell, fidelity, 8 + number // 2))
            full.store.record_measurement(child.id, number, 1, measured(200, 0.2 + 0.1 * (number % 2)))
            full.store.finish_trial(child.id, number, 1, TrialStatus.COMPLETED)
        full.finish(child.id)
    page = asked(full, f"/searches?limit={SEARCHES}", OF_A_PAGE_OF_SEARCHES + OF_CONFIRMATIONS)
    found = {search["id"]: search for search in page["items"]}
    for search_id in confirmed:
        best = found[search_id]["best"]
        assert (best["number"], best["confirmed"]["mean"], best["confirmed"]["seeds"]) == (2, pytest.approx(0.3), 2)
        assert found[search_id]["leaderboard_first"]["number"] == 0
    named = "&".join(f"search={search_id}" for search_id in confirmed[:8])
    compared = asked(full, f"/comparison?{named}", OF_A_COMPARISON + OF_CONFIRMATIONS)
    assert [one["winner"]["trial"] for one in compared["searches"]] == [2] * 8
