"""Searches over HTTP, on a real socket."""

from __future__ import annotations

import threading

from nas.results.status import SearchStatus
from nas.store import Stage


def test_post_creates_a_queued_search_and_says_where(service):
    reply = service.http.post("/v1/searches", json=service.spec)
    assert reply.status_code == 201
    search = reply.json()
    assert reply.headers["Location"] == f"/v1/searches/{search['id']}"
    assert (search["status"], search["name"], search["attempt"]) == ("queued", "a search", 0)
    assert search["trials"] == dict.fromkeys(("running", "completed", "pruned", "failed", "stopped"), 0)
    assert search["spec"]["fidelity"]["rungs"] == [100, 200]
    again = service.http.get(reply.headers["Location"])
    assert again.json() == search


def test_the_same_key_gives_the_same_search(service):
    send = lambda spec: service.http.post("/v1/searches", json=spec, headers={"Idempotency-Key": "once"})  # noqa: E731
    first, second = send(service.spec), send(service.spec)
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    other = send({**service.spec, "trials": 21})
    assert other.status_code == 409
    assert first.json()["id"] in other.json()["detail"]


def test_one_key_from_many_callers_at_once_gives_one_search(service):
    ids = []

    def post() -> None:
        reply = service.http.post("/v1/searches", json=service.spec, headers={"Idempotency-Key": "race"})
        ids.append(reply.json()["id"])

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_bad_key_is_refused(service):
    for key in (b"", b"x" * 256, b"caf\xc3\xa9"):
        reply = service.http.post("/v1/searches", json=service.spec, headers={b"Idempotency-Key": key})
        assert reply.status_code == 422, key


def test_listing_pages_newest_first(service):
    made = [service.search(running=False, name=f"page {n}") for n in range(5)]
    seen: list[str] = []
    cursor = None
    while len(seen) < 5:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = service.http.get("/v1/searches", params=params).json()
        assert len(page["items"]) == 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen[:5] == made[::-1]
    queued = service.http.get("/v1/searches", params={"status": "completed"}).json()
    assert queued == {"items": [], "next_cursor": None}


def test_what_a_running_search_shows(service):
    search = service.search()
    service.store.set_stage(search, 1, Stage("features", 3, 10))
    service.trial(search, 0, 0.25, 0.5)
    service.trial(search, 1, 0.75)
    shown = service.http.get(f"/v1/searches/{search}").json()
    assert shown["status"] == "running"
    assert shown["stage"] == {"name": "features", "done": 3, "total": 10}
    assert shown["trials"]["running"] == 2
    # A higher score at a shallower rung does not compare.
    best = {
        "number": 0,
        "score": 0.5,
        "value": 0.5,
        "iteration": 200,
        "named": "trial 0",
        "worth": "0.5000 mIoU",
        "confirmed": None,
    }
    assert shown["best"] == best
    assert shown["started_at"] is not None
    assert shown["created_at"].endswith("Z")


def test_stop_before_it_began_is_at_once(service):
    search = service.search(running=False)
    for _ in range(2):
        reply = service.http.post(f"/v1/searches/{search}/stop")
        assert (reply.status_code, reply.json()["status"]) == (202, "stopped")


def test_stop_of_a_running_search_waits_for_its_driver(service):
    search = service.search()
    for _ in range(2):
        reply = service.http.post(f"/v1/searches/{search}/stop")
        assert (reply.status_code, reply.json()["status"]) == (202, "stopping")


def test_stop_of_a_finished_search_is_refused(service):
    search = service.search()
    service.finish(search)
    reply = service.http.post(f"/v1/searches/{search}/stop")
    assert reply.status_code == 409
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert "completed" in reply.json()["detail"]
    assert service.store.get_search(search).status is SearchStatus.COMPLETED


def test_unknown_searches_and_paths_are_404_with_a_sentence(service):
    for path in ("s000000000000", "nonsense", "s0%00", "x" * 2000):
        reply = service.http.get(f"/v1/searches/{path}")
        assert reply.status_code == 404, path
        assert reply.json()["detail"].startswith("there is no search")
    assert service.http.get("/v1/nothing").json()["detail"] == "there is no /v1/nothing here"
    assert service.http.delete("/v1/searches").status_code == 405


def test_logs_before_a_driver_and_without_a_cluster(service):
    queued, running = service.search(running=False), service.search()
    reply = service.http.get(f"/v1/searches/{queued}/logs")
    assert (reply.status_code, reply.text) == (200, "")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert service.http.get(f"/v1/searches/{running}/logs").status_code == 503
    assert service.http.get(f"/v1/searches/{running}/logs?attempt=2").status_code == 404
    assert service.http.get(f"/v1/searches/{running}/logs?tail=0").status_code == 422
