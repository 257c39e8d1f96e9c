"""Tokens over REST: made and revoked, their limits, what stays in the log, streams that end with their token."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api import validity
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.specs.tokens import Scope, TokenRequest
from tests.builders import measured

OWN = "the-service's-own-token"


@pytest.fixture
def guarded(serve, home):
    return serve(home.model_copy(update={"token": SecretStr(OWN)}))


@pytest.fixture
def as_token(guarded):
    """Make a token: a function that sends requests with it."""

    def make(name: str = "alice", scope: Scope = Scope.SUBMIT, **limits: Any) -> Callable[..., httpx.Response]:
        _, secret = guarded.store.create_token(TokenRequest(name=name, scope=scope, **limits))

        def send(method: str, path: str, **request: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {secret}", **request.pop("headers", {})}
            return httpx.request(method, guarded.url + path, headers=headers, timeout=20.0, **request)

        return send

    return make


@pytest.fixture(autouse=True)
def data_there(monkeypatch):
    """Specs are checked against data sets elsewhere; here it is about who starts them."""
    monkeypatch.setattr("api.creation.check", lambda *_: None)
    monkeypatch.setattr("api.routes.lifecycle.check", lambda *_: None)


def test_the_secret_is_answered_once(guarded):
    body = {"name": "alice", "scope": "submit", "valid_days": 1, "requests_per_minute": 600, "device_hours": 2.5}
    reply = guarded.http.post("/v1/tokens", json=body)
    assert reply.status_code == 201
    made = reply.json()
    assert reply.headers["Location"] == f"/v1/tokens/{made['id']}"
    assert made.pop("token").startswith("segnas_")
    assert (made["name"], made["scope"], made["status"], made["spent_hours"]) == ("alice", "submit", "valid", 0)
    assert guarded.http.get(reply.headers["Location"]).json() == made
    assert guarded.http.get("/v1/tokens").json() == [made]
    assert guarded.http.post("/v1/tokens", json=body).status_code == 409
    revoked = guarded.http.delete(f"/v1/tokens/{made['id']}").json()
    assert (revoked["status"], revoked["revoked_at"] is not None) == ("revoked", True)
    assert guarded.http.delete(f"/v1/tokens/{made['id']}").json() == revoked
    assert guarded.http.post("/v1/tokens", json=body).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "alice"}, "scope"),
        ({"name": "alice", "scope": "write"}, "scope"),
        ({"name": "who=admin status=200", "scope": "read"}, "name"),
        ({"name": "alice", "scope": "read", "valid_days": 0}, "valid_days"),
        ({"name": "alice", "scope": "read", "requests_per_minute": 0}, "requests_per_minute"),
        ({"name": "alice", "scope": "read", "device_hours": -1}, "device_hours"),
        ({"name": "alice", "scope": "read", "budget": 1}, "budget"),
    ],
)
def test_what_is_no_token_is_refused_by_its_field(guarded, body, field):
    reply = guarded.http.post("/v1/tokens", json=body)
    assert reply.status_code == 422
    assert [error["path"] for error in reply.json()["errors"]] == [field]
    assert guarded.store.tokens() == []


def test_a_service_without_a_token_makes_none_and_asks_nobody(service):
    reply = service.http.post("/v1/tokens", json={"name": "alice", "scope": "read"})
    assert reply.status_code == 409
    assert "this service asks nobody for a token" in reply.json()["detail"]
    access = service.http.get("/v1/access", headers={"Authorization": "Bearer whatever"}).json()
    assert (access["name"], access["scope"], access["may_change"]) == (None, "admin", "all")


def test_searches_are_found_by_their_owner(guarded, as_token):
    alice, bob = as_token("alice"), as_token("bob")
    mine = [alice("POST", "/v1/searches", json=guarded.spec).json()["id"] for _ in range(2)]
    bob("POST", "/v1/searches", json=guarded.spec)
    guarded.http.post("/v1/searches", json=guarded.spec)
    listed = bob("GET", "/v1/searches?owner=alice").json()["items"]
    assert [(search["id"], search["owner"]) for search in listed] == [(mine[1], "alice"), (mine[0], "alice")]
    assert [search["owner"] for search in bob("GET", "/v1/searches").json()["items"]] == [None, "bob", "alice", "alice"]
    assert bob("GET", "/v1/searches?owner=Not a name").status_code == 422


def test_what_belongs_to_a_search_belongs_to_who_starts_it(guarded, as_token):
    alice, bob = as_token("alice"), as_token("bob")
    search = alice("POST", "/v1/searches", json=guarded.spec).json()["id"]
    guarded.store.driver_started(search, guarded.store.begin_driver(search))
    for number in range(4):
        guarded.trial(search, number, 0.25, 0.5 + number / 10, end=TrialStatus.COMPLETED)
    confirmation = bob("POST", f"/v1/searches/{search}/confirmation", json={})
    assert (confirmation.status_code, confirmation.json()["owner"]) == (201, "bob")
    assert alice("POST", f"/v1/searches/{confirmation.json()['id']}/stop").status_code == 403


def test_keys_are_each_tokens_own(guarded, as_token):
    alice, bob = as_token("alice"), as_token("bob")
    key = {"Idempotency-Key": "the-same"}
    first, again, other = (send("POST", "/v1/searches", json=guarded.spec, headers=key) for send in (alice, alice, bob))
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.json()["id"] != first.json()["id"], other.json()["owner"]) == (True, "bob")
    assert guarded.http.post("/v1/searches", json=guarded.spec, headers=key).json()["owner"] is None


def spend(guarded, search: str, hours: float) -> None:
    guarded.store.driver_started(search, guarded.store.begin_driver(search))
    guarded.trial(search, 0)
    guarded.store.record_measurement(search, 0, 1, measured(200, 0.5, hours * 3600))
    guarded.store.finish_search(search, 1, SearchStatus.STOPPED)


def test_a_spent_budget_starts_and_resumes_nothing(guarded, as_token):
    alice = as_token(device_hours=1.0)
    key = {"Idempotency-Key": "first"}
    search = alice("POST", "/v1/searches", json=guarded.spec, headers=key).json()["id"]
    spend(guarded, search, 1.5)
    access = alice("GET", "/v1/access").json()
    assert (access["device_hours"], access["spent_hours"]) == (1.0, 1.5)
    sentence = "the budget of alice is spent (1.5 of 1 device-hours); an admin can give more: segnas token limit alice"
    for path, body in (
        ("/v1/searches", guarded.spec),
        (f"/v1/searches/{search}/resume", None),
        (f"/v1/searches/{search}/extend", {"trials": 40}),
    ):
        reply = alice("POST", path, json=body)
        assert (reply.status_code, reply.json()["detail"]) == (403, sentence), path
    assert guarded.http.post(f"/v1/searches/{search}/resume").status_code == 403  # an admin gives more first
    replayed = alice("POST", "/v1/searches", json=guarded.spec, headers=key)
    assert (replayed.status_code, replayed.json()["id"]) == (201, search)  # it was started when there was some left
    assert alice("POST", "/v1/searches?dry_run=true", json=guarded.spec).status_code != 403
    (token,) = guarded.store.tokens()
    limited = guarded.http.patch(f"/v1/tokens/{token.id}", json={"device_hours": 2}).json()
    assert (limited["device_hours"], limited["spent_hours"]) == (2.0, 1.5)
    assert alice("POST", f"/v1/searches/{search}/resume").status_code == 202


def test_deleting_a_search_gives_nothing_back(guarded, as_token):
    alice = as_token(device_hours=1.0)
    search = alice("POST", "/v1/searches", json=guarded.spec).json()["id"]
    spend(guarded, search, 1.5)
    assert alice("DELETE", f"/v1/searches/{search}").status_code == 204
    assert alice("POST", "/v1/searches", json=guarded.spec).status_code == 403


def test_too_many_requests_are_told_when_to_come_again(guarded, as_token):
    alice = as_token(requests_per_minute=3)
    replies = [alice("GET", "/v1/spaces") for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 20
    assert replies[-1].json()["detail"] == "the token alice may send 3 requests a minute"
    assert alice("GET", "/readyz").status_code == 503  # without a cluster; health is not counted against it
    assert as_token("bob")("GET", "/v1/spaces").status_code == 200
    assert guarded.http.get("/v1/spaces").status_code == 200


def test_the_last_use_is_noted_now_and_then(guarded, as_token):
    alice = as_token()
    before = time.time()
    alice("GET", "/v1/spaces")
    (token,) = guarded.store.tokens()
    assert token.used_at is not None
    assert before - 1 <= token.used_at <= time.time()
    alice("GET", "/v1/spaces")
    assert guarded.store.tokens() == [token]


def test_a_live_stream_ends_with_its_token(guarded, as_token, monkeypatch):
    monkeypatch.setattr(validity, "LOOK_SECONDS", 0.1)
    record, _ = guarded.store.create_search(BlackBoxSpec.model_validate(guarded.spec))
    token, secret = guarded.store.create_token(TokenRequest(name="alice", scope=Scope.READ))
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.stream("GET", f"{guarded.url}/v1/searches/{record.id}/events", headers=headers, timeout=20.0) as reply:
        chunks = reply.iter_text()
        assert next(chunks).startswith("event: search")
        guarded.store.revoke_token(token.id)
        begun = time.monotonic()
        rest = "".join(chunks)
    assert time.monotonic() - begun < 10
    assert "event: end" not in rest
    assert httpx.get(f"{guarded.url}/v1/searches/{record.id}/events", headers=headers).status_code == 401


def test_a_live_stream_goes_on_while_its_token_is_valid(guarded, as_token, monkeypatch):
    monkeypatch.setattr(validity, "LOOK_SECONDS", 0.05)
    search = guarded.search()
    ending = threading.Timer(1.0, guarded.finish, [search])
    ending.start()
    reply = as_token()("GET", f"/v1/searches/{search}/events")
    assert "event: end" in reply.text


def test_a_database_that_is_away_refuses_tokens_for_a_moment(guarded, as_token, monkeypatch):
    from nas.store import Store, StoreError

    alice = as_token()

    def away(*_: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(Store, "find_token", away)
    reply = alice("GET", "/v1/spaces")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    assert guarded.http.get("/v1/spaces").status_code == 200  # the service's own needs no database


@pytest.fixture
def audited(caplog):
    caplog.set_level(logging.INFO, "segnas.audit")

    def lines() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name == "segnas.audit"]
        caplog.clear()
        return found

    return lines


def test_each_change_has_a_line_and_reading_has_none(guarded, as_token, audited):
    alice = as_token()
    (token,) = guarded.store.tokens()
    search = alice("POST", "/v1/searches", json=guarded.spec).json()["id"]
    guarded.http.post(f"/v1/searches/{search}/stop")
    alice("DELETE", f"/v1/searches/{search}")
    others = guarded.search()
    alice("POST", f"/v1/searches/{others}/pause")
    httpx.post(f"{guarded.url}/v1/searches/{others}/stop")
    alice("POST", "/v1/tokens", json={"name": "me", "scope": "admin"})
    guarded.http.delete(f"/v1/tokens/{token.id}")
    guarded.http.get(f"/v1/searches/{others}")
    guarded.http.post("/v1/searches?dry_run=true", json=guarded.spec)
    who = f"who=alice token={token.id}"
    assert audited() == [
        f"{who} did=create_search on={search} status=201 from=127.0.0.1",
        f"who=- token=own did=stop_search on={search} status=202 from=127.0.0.1",
        f"{who} did=delete_search on={search} status=204 from=127.0.0.1",
        f"{who} did=pause_search on={others} status=403 from=127.0.0.1",
        f"who=- token=none did=POST:/v1/searches/{others}/stop on={others} status=401 from=127.0.0.1",
        f"{who} did=create_token on=- status=403 from=127.0.0.1",
        f"who=- token=own did=revoke_token on={token.id} status=200 from=127.0.0.1",
    ]


def test_no_text_of_a_user_forges_a_line(guarded, audited):
    path = "/v1/searches/x%0Awho=root%20status=200%1b%5b2J%E2%80%AE/stop"
    guarded.http.post(path)
    guarded.http.post("/v1/no%20such%0Astatus=200")
    first, second = audited()
    assert first == "who=- token=own did=stop_search on=- status=404 from=127.0.0.1"
    assert second == r"who=- token=own did=POST:/v1/no_such\nstatus=200 on=- status=404 from=127.0.0.1"
    assert first.isprintable()
    assert second.isprintable()
