"""Pause, resume, extend, edit and delete over HTTP; the tags of a listing; what a warm start may name."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import FullScaleSpec, ReferenceSpec
from tests.builders import scenes_fidelity

S, T = SearchStatus, TrialStatus


def post(service, search: str, verb: str, **request: Any):
    return service.http.post(f"/v1/searches/{search}/{verb}", **request)


def stopped(service, **changes: Any) -> str:
    """A stopped search with a completed, a failed and a stopped trial."""
    search = service.search(**changes)
    service.trial(search, 0, 0.25, 0.5, end=T.COMPLETED)
    service.trial(search, 1, end=T.FAILED)
    service.trial(search, 2, 0.25)
    service.store.finish_search(search, 1, S.STOPPED)
    return search


def test_resume_queues_the_same_search_and_repeating_it_changes_nothing(service):
    search = stopped(service)
    replies = [post(service, search, "resume") for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 202]
    assert replies[0].json() == replies[1].json()
    shown = replies[0].json()
    assert (shown["id"], shown["status"], shown["attempt"], shown["finished_at"]) == (search, "queued", 1, None)
    assert (shown["trials"]["completed"], shown["trials"]["failed"], shown["trials"]["stopped"]) == (1, 1, 1)
    retried = post(service, search, "resume", params={"retry_failed": "true"}).json()
    assert (retried["trials"]["failed"], retried["trials"]["stopped"]) == (0, 2)


def test_what_cannot_be_resumed_says_why(service):
    completed = service.search()
    service.finish(completed)
    reply = post(service, completed, "resume")
    assert (reply.status_code, reply.headers["Content-Type"]) == (409, "application/problem+json")
    assert "extend" in reply.json()["detail"]
    stopping = service.search()
    post(service, stopping, "stop")
    assert "in a few seconds" in post(service, stopping, "resume").json()["detail"]
    assert post(service, "s000000000000", "resume").status_code == 404


def test_a_search_whose_data_set_is_gone_is_not_resumed(service):
    search = service.search(running=False, fidelity={"dataset": "gone", "rungs": [100]})
    post(service, search, "stop")
    reply = post(service, search, "resume")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "fidelity.dataset"
    assert service.store.get_search(search).status is S.STOPPED


def test_pause_waits_for_the_driver_and_a_queued_search_pauses_at_once(service):
    running, queued = service.search(), service.search(running=False)
    assert [post(service, running, "pause").json()["status"] for _ in range(2)] == ["pausing", "pausing"]
    assert [post(service, queued, "pause").json()["status"] for _ in range(2)] == ["paused", "paused"]
    assert queued in {item["id"] for item in service.http.get("/v1/searches?status=paused").json()["items"]}
    assert post(service, queued, "resume").json()["status"] == "queued"
    service.store.finish_search(running, 1, S.PAUSED)
    assert post(service, running, "stop").json()["status"] == "stopped"
    reply = post(service, running, "pause")
    assert (reply.status_code, reply.json()["detail"]) == (409, f"search {running} is stopped, so it cannot be paused")


def test_stop_wins_over_pause(service):
    search = service.search()
    post(service, search, "pause")
    assert post(service, search, "stop").json()["status"] == "stopping"
    assert post(service, search, "pause").status_code == 409


def test_extend_gives_more_trials_once(service):
    search = service.search()
    assert "pause it first" in post(service, search, "extend", json={"trials": 30}).json()["detail"]
    service.finish(search)
    replies = [post(service, search, "extend", json={"trials": 30}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 202]
    assert replies[0].json() == replies[1].json()
    shown = replies[0].json()
    assert (shown["status"], shown["planned"], shown["spec"]["trials"]) == ("queued", 30, 30)
    post(service, search, "stop")
    fewer = post(service, search, "extend", json={"trials": 29})
    assert fewer.json()["errors"] == [
        {"path": "trials", "message": "the search has 30 trials already, and none is taken away: use a number above 30"}
    ]


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({"seeds": 3}, "seeds", "more trials, not more seeds"),
        ({"rungs": [100, 900]}, "", "segnas full-scale"),
        ({}, "", "trials or seeds"),
        ({"trails": 30}, "trails", "did you mean trials"),
    ],
)
def test_what_cannot_be_extended_is_refused(service, body, path, words):
    search = stopped(service)
    reply = post(service, search, "extend", json=body)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == path
    assert words in reply.json()["errors"][0]["message"]
    assert service.store.get_search(search).status is S.STOPPED


def test_seeds_of_a_reference_search(service):
    store = service.store
    search = store.create_search(ReferenceSpec(name="heads", seeds=1, fidelity=scenes_fidelity()))[0].id
    store.move_search(search, [S.QUEUED], S.STOPPED)
    shown = post(service, search, "extend", json={"seeds": 3}).json()
    assert shown["planned"] == 3 * len(shown["spec"]["heads"])


def test_edit_changes_what_is_given(service):
    search = service.search()
    path = f"/v1/searches/{search}"
    reply = service.http.patch(path, json={"name": "renamed", "tags": ["night", "v2"]})
    assert reply.status_code == 200
    assert reply.json() == service.http.get(path).json()
    service.http.patch(path, json={"notes": "a\nb"})
    shown = service.http.get(path).json()
    assert (shown["name"], shown["spec"]["name"], shown["tags"]) == ("renamed", "renamed", ["night", "v2"])
    assert (shown["notes"], shown["status"]) == ("a\nb", "running")
    for tag, found in (("night", [search]), ("nigh", [])):
        listed = service.http.get("/v1/searches", params={"tag": tag}).json()["items"]
        assert [item["id"] for item in listed] == found
    assert service.http.get("/v1/searches", params={"tag": "two words"}).status_code == 422
    for body, wrong in (({}, ""), ({"tags": ["a b"]}, "tags.0"), ({"name": ""}, "name"), ({"note": "x"}, "note")):
        refused = service.http.patch(path, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, wrong)


def test_delete_removes_the_search_and_its_files(service):
    search = stopped(service)
    log = service.settings.logs / search / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("a line\n")
    checkpoint = service.settings.artifacts / search / "trial-000002" / "checkpoint.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    reply = service.http.delete(f"/v1/searches/{search}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert not (service.settings.artifacts / search).exists()
    assert not log.exists()
    for answer in (service.http.get(f"/v1/searches/{search}"), service.http.delete(f"/v1/searches/{search}")):
        assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no search '{search}'")


def test_what_runs_or_is_needed_is_not_deleted(service):
    search = service.search()
    refused = service.http.delete(f"/v1/searches/{search}")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"search {search} is running: stop it first, then delete it",
    )
    service.finish(search)
    child = service.store.create_search(
        FullScaleSpec(name="again", of=search, sampling="top", trials=(0,), fidelity=scenes_fidelity(900)),
        parent=search,
    )[0].id
    refused = service.http.delete(f"/v1/searches/{search}")
    assert refused.status_code == 409
    assert child in refused.json()["detail"]


def test_a_warm_start_names_a_search_of_the_same_space_and_fidelity_that_is_over(service):
    source, running = stopped(service), service.search()
    other_fidelity = stopped(service, fidelity={"dataset": "scenes", "rungs": [50]})
    other_space = stopped(service, space={"branches": 2})
    heads = service.store.create_search(ReferenceSpec(name="heads", fidelity=scenes_fidelity()))[0].id
    for name, words in (
        ("s000000000000", "there is no search"),
        (running, "is running; wait for its end"),
        (other_fidelity, "another fidelity"),
        (other_space, "another space"),
        (heads, "of the kind reference"),
    ):
        for query in ({}, {"dry_run": "true"}):
            body = {**service.spec, "warm_start": [source, name]}
            reply = service.http.post("/v1/searches", json=body, params=query)
            assert reply.status_code == 422, name
            (error,) = reply.json()["errors"]
            assert (error["path"], words in error["message"]) == ("warm_start.1", True), error
    accepted = service.http.post("/v1/searches", json={**service.spec, "warm_start": [source]})
    assert (accepted.status_code, accepted.json()["spec"]["warm_start"]) == (201, [source])
    begun = service.http.post("/v1/searches", json={**service.spec, "start": ["published", "s000000000000"]})
    assert begun.json()["errors"] == [{"path": "start.1", "message": "there is no search s000000000000"}]
    refused = service.http.post("/v1/searches", json={**service.spec, "adopt": ["s000000000000"]})
    assert refused.json()["errors"] == [{"path": "adopt.0", "message": "there is no search s000000000000"}]
    adopting = service.http.post("/v1/searches", json={**service.spec, "adopt": True})
    assert adopting.json()["spec"]["adopt"] is True


def test_a_repeated_post_is_answered_although_its_source_runs_again(service):
    source = stopped(service)
    body, key = {**service.spec, "warm_start": [source]}, {"Idempotency-Key": "warm"}
    first = service.http.post("/v1/searches", json=body, headers=key)
    post(service, source, "resume")
    assert service.http.post("/v1/searches", json=body, headers=key).json()["id"] == first.json()["id"]
    assert service.http.post("/v1/searches", json=body).status_code == 422
