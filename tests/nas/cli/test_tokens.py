"""The commands about tokens, against a service that asks for one."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import SecretStr

from nas.client import Client, ClientError
from nas.results.status import TrialStatus
from nas.specs import BlackBoxSpec
from tests.conftest import serving

OWN = "the-service's-own-token"


@pytest.fixture
def guarded(home):
    with serving(home.model_copy(update={"token": SecretStr(OWN)})) as running:
        yield running


@pytest.fixture
def segnas(command_at, guarded, monkeypatch):
    """Runs a command with the token that stands in SEGNAS_TOKEN: first the service's own."""
    monkeypatch.setenv("SEGNAS_TOKEN", OWN)
    return command_at(guarded.url)


def test_a_token_from_its_making_to_its_end(segnas, guarded, monkeypatch):
    code, out, err = segnas("token", "create", "alice", "--scope", "submit", "--valid-days", 90, "--device-hours", 1.5)
    assert (code, re.fullmatch(r"segnas_[A-Za-z0-9_-]{43}\n", out) is not None) == (0, True)
    (token,) = guarded.store.tokens()
    assert err == f"token {token.id} of alice: it is not shown again. SEGNAS_TOKEN holds it.\n"
    assert (token.name, token.scope, token.device_hours) == ("alice", "submit", 1.5)
    monkeypatch.setenv("SEGNAS_TOKEN", out.strip())
    assert segnas("searches")[0] == 0
    code, _, err = segnas("token", "list")
    assert (code, err) == (
        1,
        "segnas: the token alice is of the scope submit; this takes one of the scope admin\n",
    )
    monkeypatch.setenv("SEGNAS_TOKEN", OWN)
    assert segnas("token", "revoke", "alice")[1] == f"{token.id} alice revoked\n"
    monkeypatch.setenv("SEGNAS_TOKEN", out.strip())
    code, _, err = segnas("searches")
    assert (code, err) == (1, "segnas: the token alice was revoked; ask whoever runs the service for another\n")


def test_the_list_shows_what_was_spent_and_no_secret(segnas, guarded):
    secret = segnas("token", "create", "alice", "--scope", "submit", "--device-hours", 2)[1].strip()
    segnas("token", "create", "ci", "--scope", "read", "--requests-per-minute", 60)
    mine, _ = guarded.store.create_search(BlackBoxSpec.model_validate(guarded.spec), owner="alice")
    guarded.store.driver_started(mine.id, guarded.store.begin_driver(mine.id))
    guarded.trial(mine.id, 0, 0.5, 0.6, end=TrialStatus.COMPLETED)  # 4 s, as `Service.trial` measures
    out = segnas("token", "list")[1]
    ci, alice = (line.split() for line in out.splitlines()[1:])
    assert ci[1:4] == ["ci", "read", "valid"]
    assert (alice[1:4], alice[-3:]) == (["alice", "submit", "valid"], [f"{4 / 3600:.4g}", "of", "2"])
    assert secret not in out
    listed = json.loads(segnas("token", "list", "--json")[1])
    assert [(token["name"], token["requests_per_minute"], token["device_hours"]) for token in listed] == [
        ("ci", 60, None),
        ("alice", None, 2.0),
    ]
    assert secret not in json.dumps(listed)


def test_limits_are_replaced_by_name_or_id(segnas, guarded):
    made = json.loads(segnas("token", "create", "alice", "--scope", "submit", "--json")[1])
    out = segnas("token", "limit", "alice", "--device-hours", 3)[1]
    assert out == f"{made['id']} alice: any number of requests, 3 device-hours (0 spent)\n"
    out = segnas("token", "limit", made["id"], "--requests-per-minute", 30)[1]
    assert out == f"{made['id']} alice: 30 requests a minute, any number of device-hours (0 spent)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("create", "Alice", "--scope", "read"), 2, "name: "),
        (("create", "alice", "--scope", "write"), 2, "scope: "),
        (("revoke", "nobody"), 1, "there is no token 'nobody'; `segnas token list` shows them all"),
    ],
)
def test_mistakes_are_told(segnas, arguments, code, sentence):
    found, out, err = segnas("token", *arguments)
    assert (found, out) == (code, "")
    assert err.startswith(f"segnas: {sentence}")


def test_a_name_that_is_taken_is_told(segnas):
    segnas("token", "create", "alice", "--scope", "read")
    code, _, err = segnas("token", "create", "alice", "--scope", "admin")
    assert code == 1
    assert "there is a token 'alice' already: revoke it first, or choose another name" in err


def test_a_service_without_a_token_makes_none(command_at, service):
    code, _, err = command_at(service.url)("token", "create", "alice", "--scope", "read")
    assert code == 1
    assert "this service asks nobody for a token" in err


def test_whose_a_search_is_stands_in_lists(segnas, guarded):
    mine, _ = guarded.store.create_search(BlackBoxSpec.model_validate(guarded.spec), owner="alice")
    other, _ = guarded.store.create_search(BlackBoxSpec.model_validate(guarded.spec))
    out = segnas("searches")[1]
    assert "Owner" in out
    assert "alice" in out
    listed = segnas("searches", "--owner", "alice")[1]
    assert mine.id in listed
    assert other.id not in listed
    assert "owner  alice" in segnas("show", mine.id)[1]
    assert "owner" not in segnas("show", other.id)[1]


def test_the_client_says_what_its_token_may_do(guarded):
    with Client(guarded.url, OWN) as admin:
        made = admin.tokens.create({"name": "alice", "scope": "submit", "device_hours": 1.0})
        search = guarded.search()
        with Client(guarded.url, made.token) as client:
            access = client.access()
            assert (access.name, access.scope, access.device_hours, access.spent_hours) == ("alice", "submit", 1, 0)
            with pytest.raises(ClientError, match="belongs to no token: the token alice may change only its own"):
                client.stop(search)
            assert list(client.searches(owner="alice")) == []
        guarded.trial(search, 0, 0.5, end=TrialStatus.FAILED)
        assert admin.tokens.revoke(made.id).status == "revoked"
        with pytest.raises(ClientError, match="there is no token 'x/y'"):
            admin.tokens.revoke("x/y")
