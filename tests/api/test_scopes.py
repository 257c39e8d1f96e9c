"""A token of each scope, an expired one, a revoked one and none, against every route of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.callers import Need, need
from nas.specs import BlackBoxSpec
from nas.specs.tokens import Scope, TokenRequest
from tests.api.told_cluster import ToldCluster
from tests.conftest import SPEC

OWN = "the-service's-own-token"

NEEDS = {
    Need.NOTHING: ("alive", "ready"),
    Need.READ: (
        "get_access",
        "list_searches",
        "compare_searches",
        "get_search",
        "watch_search",
        "read_logs",
        "list_trials",
        "get_pareto_set",
        "get_trial",
        "draw_trial",
        "best_trial",
        "list_panels",
        "list_trial_panels",
        "report_search",
        "list_predictions",
        "show_prediction",
        "list_snapshots",
        "get_snapshot",
        "draw_snapshot",
        "compare_heads",
        "get_ranking",
        "get_confirmation",
        "get_search_worth",
        "list_calibrations",
        "get_calibration",
        "list_spaces",
        "list_datasets",
        "propose_first_search",
    ),
    Need.SUBMIT: ("create_search", "create_calibration", "measure_at_full_scale", "confirm_search", "ask_search_worth"),
    Need.OWN: ("stop_search", "pause_search", "resume_search", "extend_search", "edit_search", "delete_search"),
    Need.ADMIN: ("open_dashboard", "create_token", "list_tokens", "get_token", "limit_token", "revoke_token"),
}
"""What each operation takes, written down a second time: a new one has to be entered here."""

MAY = {
    "own": (Need.NOTHING, Need.READ, Need.SUBMIT, Need.OWN, Need.ADMIN),
    "admin": (Need.NOTHING, Need.READ, Need.SUBMIT, Need.OWN, Need.ADMIN),
    "submit": (Need.NOTHING, Need.READ, Need.SUBMIT),
    "read": (Need.NOTHING, Need.READ),
    "expired": (Need.NOTHING,),
    "revoked": (Need.NOTHING,),
    "unknown": (Need.NOTHING,),
    "none": (Need.NOTHING,),
}
"""What each token may do to somebody else's search."""

Operation = tuple[str, str, str]
"""The name, the method and the path of an operation."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[Any]:
    from tests.conftest import _settings, serving

    changes = {"token": SecretStr(OWN), "ray_dashboard_public": "http://inside.example:8265"}
    with serving(_settings(tmp_path_factory.mktemp("home")).model_copy(update=changes)) as running:
        yield running  # without a cluster, so that searches stay as they are put


@pytest.fixture(scope="module")
def secrets(guarded) -> dict[str, str | None]:
    return secrets_of(guarded)


def secrets_of(guarded) -> dict[str, str | None]:
    """A secret for each key of `MAY`."""
    found: dict[str, str | None] = {"own": OWN, "unknown": "segnas_" + "x" * 43, "none": None}
    for scope in Scope:
        _, found[scope.value] = guarded.store.create_token(TokenRequest(name=f"a-{scope}", scope=scope))
    for end in ("expired", "revoked"):
        token, found[end] = guarded.store.create_token(TokenRequest(name=end, scope=Scope.ADMIN, valid_days=1))
        if end == "revoked":
            guarded.store.revoke_token(token.id)
        else:
            with guarded.store._write() as connection:
                connection.exec_driver_sql(f"UPDATE tokens SET expires_at = 1 WHERE id = '{token.id}'")
    return found


@pytest.fixture(scope="module")
def others(guarded) -> str:
    """A search of somebody else's, that a driver runs."""
    return search_of(guarded, "somebody")


def search_of(service, owner: str | None) -> str:
    record, _ = service.store.create_search(BlackBoxSpec.model_validate(SPEC), owner=owner)
    service.store.driver_started(record.id, service.store.begin_driver(record.id))
    return str(record.id)


def operations(home) -> list[Operation]:
    document = create_app(home).openapi()
    return [
        (operation["operationId"], method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def ask(service, secret: str | None, method: str, path: str, search: str, **request: Any) -> httpx.Response:
    """The answer to a request, of a stream its beginning; nothing in it is right but the token and the path."""
    path = path.replace("{search_id}", search).replace("{token_id}", "t000000000000")
    for name in ("{number}", "{run}", "{epoch}", "{place}"):
        path = path.replace(name, "0")
    path = path.replace("{layer}", "image")
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    with httpx.stream(method, service.url + path, headers=headers, timeout=20.0, **request) as reply:
        if reply.headers.get("content-type", "").startswith("text/event-stream"):
            return reply
        reply.read()
        return reply


def test_every_operation_is_in_the_table_once(home):
    listed = [name for names in NEEDS.values() for name in names]
    assert len(set(listed)) == len(listed)
    found = {name: need(name, method) for name, method, _ in operations(home)}
    assert found == {name: needed for needed, names in NEEDS.items() for name in names}


def test_what_is_in_no_list_is_the_admins(home):
    assert need("invented_since", "POST") is need("invented_since", "DELETE") is Need.ADMIN
    assert need("invented_since", "GET") is Need.READ


@pytest.mark.slow
@pytest.mark.parametrize("who", MAY)
def test_a_token_of_each_scope_against_every_route(guarded, secrets, others, home, who):
    """Each request is wrong (no body, no trial): whoever may send it is told so, and nothing changes."""
    for name, method, path in operations(home):
        if name in (
            "stop_search",
            "pause_search",
            "resume_search",
            "delete_search",
            "open_dashboard",
            "ask_search_worth",
        ):
            continue  # right without a body: in the tests below
        reply = ask(guarded, secrets[who], method, path, others, json={"wrong": True} if method != "get" else None)
        needed = next(needed for needed, names in NEEDS.items() if name in names)
        if needed in MAY[who]:
            assert reply.status_code in (200, 404, 409, 422, 503), (name, reply.status_code, reply.text)
        elif MAY[who] == (Need.NOTHING,):
            assert reply.status_code == 401, (name, reply.text)
            assert reply.headers["WWW-Authenticate"] == "Bearer"
        else:
            assert reply.status_code == 403, (name, reply.text)
            assert f"the token a-{who}" in reply.json()["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["read", "submit", "expired", "revoked", "unknown", "none"])
def test_nobody_else_changes_a_search(guarded, secrets, others, who):
    before = guarded.store.get_search(others)
    for method, path, body in (
        ("post", "/stop", None),
        ("post", "/pause", None),
        ("post", "/resume", None),
        ("post", "/extend", {"trials": 40}),
        ("patch", "", {"name": "mine now"}),
        ("delete", "", None),
    ):
        reply = ask(guarded, secrets[who], method, f"/v1/searches/{others}{path}", others, json=body)
        assert reply.status_code == (403 if who in ("read", "submit") else 401), (path, reply.text)
    assert guarded.store.get_search(others) == before
    refused = ask(guarded, secrets["submit"], "post", f"/v1/searches/{others}/stop", others).json()["detail"]
    assert refused == f"search {others} belongs to somebody: the token a-submit may change only its own"
    nobodys = search_of(guarded, None)
    refused = ask(guarded, secrets["submit"], "delete", f"/v1/searches/{nobodys}", nobodys).json()["detail"]
    assert refused == f"search {nobodys} belongs to no token: the token a-submit may change only its own"


@pytest.mark.slow
@pytest.mark.parametrize(("who", "owner"), [("submit", "a-submit"), ("admin", "a-admin"), ("own", None)])
def test_a_search_is_its_starters_from_start_to_end(guarded, secrets, data_there, who, owner):
    created = ask(guarded, secrets[who], "post", "/v1/searches", "", json=SPEC)
    assert created.status_code == 201, created.text
    search = created.json()["id"]
    assert created.json()["owner"] == owner
    for method, path, body, status in (
        ("patch", "", {"name": "renamed"}, 200),
        ("post", "/pause", None, 202),
        ("post", "/extend", {"trials": 40}, 202),
        ("post", "/stop", None, 202),
        ("post", "/resume", None, 202),
        ("post", "/stop", None, 202),
        ("delete", "", None, 204),
    ):
        reply = ask(guarded, secrets[who], method, f"/v1/searches/{search}{path}", search, json=body)
        assert reply.status_code == status, (path, reply.text)


@pytest.fixture
def data_there(monkeypatch):
    """Specs are checked against data sets elsewhere; here it is about who starts them."""
    monkeypatch.setattr("api.creation.check", lambda *_, **__: None)
    monkeypatch.setattr("api.routes.lifecycle.check", lambda *_, **__: None)
    monkeypatch.setattr("api.routes.searches.check", lambda *_, **__: None)


@pytest.mark.slow
def test_an_admin_changes_every_search(guarded, secrets, data_there):
    for who in ("admin", "own"):
        for owner in ("somebody", None):
            search = search_of(guarded, owner)
            for method, path, body, status in (
                ("patch", "", {"tags": ["seen"]}, 200),
                ("post", "/stop", None, 202),
            ):
                reply = ask(guarded, secrets[who], method, f"/v1/searches/{search}{path}", search, json=body)
                assert reply.status_code == status, (path, reply.text)
                assert reply.json()["owner"] == owner


@pytest.mark.slow
def test_rays_token_is_an_admins(serve, home):
    changes = {"token": SecretStr(OWN), "ray_dashboard": "http://127.0.0.1:9"}
    guarded = serve(home.model_copy(update=changes), ToldCluster())
    secrets = secrets_of(guarded)
    for who, status in {"admin": 200, "own": 200, "submit": 403, "read": 403, "revoked": 401, "none": 401}.items():
        reply = ask(guarded, secrets[who], "post", "/v1/dashboard", "")
        assert reply.status_code == status, (who, reply.text)
        assert ("the-token-of-the-ray-cluster" in reply.text) is (status == 200)


@pytest.mark.slow
def test_why_a_token_is_refused_is_said(guarded, secrets):
    for who, sentence in {
        "expired": "the token expired has expired; ask whoever runs the service for another",
        "revoked": "the token revoked was revoked; ask whoever runs the service for another",
        "unknown": "this bearer token is not known here: a token of this service is needed",
        "none": "a bearer token is needed: send the header Authorization: Bearer <token>",
    }.items():
        reply = ask(guarded, secrets[who], "get", "/v1/searches", "")
        assert (reply.status_code, reply.json()["detail"]) == (401, sentence)


@pytest.mark.slow
def test_readiness_has_details_for_every_valid_token(guarded, secrets):
    for path in ("/readyz", "/v1/readyz"):
        for who in MAY:
            shown = ask(guarded, secrets[who], "get", path, "").json()["ray_dashboard"]
            assert shown == ("http://inside.example:8265" if who in ("own", *Scope) else None), (path, who)


@pytest.mark.slow
def test_metrics_are_read_with_every_valid_token(guarded, secrets):
    for who in MAY:
        reply = ask(guarded, secrets[who], "get", "/metrics", "")
        assert reply.status_code == (200 if who in ("own", *Scope) else 401), who


@pytest.mark.slow
def test_what_a_token_may_do_is_said(guarded, secrets):
    found = {who: ask(guarded, secrets[who], "get", "/v1/access", "").json() for who in ("own", *Scope)}
    assert {who: (one["name"], one["scope"], one["may_start"], one["may_change"]) for who, one in found.items()} == {
        "own": (None, "admin", True, "all"),
        "read": ("a-read", "read", False, "none"),
        "submit": ("a-submit", "submit", True, "own"),
        "admin": ("a-admin", "admin", True, "all"),
    }
