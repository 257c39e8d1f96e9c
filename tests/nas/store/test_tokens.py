"""Tokens, whose searches are whose, and what their owners have spent."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec
from nas.specs.tokens import LimitsRequest, Scope, TokenRequest
from nas.store import Budget, ConflictError, NotFoundError, Store

DAY = 86_400


def create(store: Store, name: str = "alice", scope: Scope = Scope.SUBMIT, **fields: object):
    return store.create_token(TokenRequest.model_validate({"name": name, "scope": scope, **fields}))


def test_a_token_is_found_by_its_secret_which_is_stored_nowhere(store: Store, clock):
    token, secret = create(store, requests_per_minute=30, device_hours=1.5, valid_days=2)
    assert (token.name, token.scope, token.requests_per_minute, token.device_hours) == ("alice", "submit", 30, 1.5)
    assert token.expires_at == token.created_at + 2 * DAY
    assert store.find_token(secret) == store.get_token(token.id) == token
    assert secret.startswith("segnas_")
    assert len(secret) == len("segnas_") + 43  # 256 bits, six in a character
    with store._read() as connection:
        (row,) = connection.execute(text("SELECT * FROM tokens")).mappings()
    assert row["hash"] == hashlib.sha256(secret.encode()).hexdigest()
    assert not any(secret in str(value) for value in row.values())


def test_no_two_secrets_are_equal_and_others_find_nothing(store: Store):
    secrets = {create(store, f"one-{number}")[1] for number in range(20)}
    assert len(secrets) == 20
    one = secrets.pop()
    for other in ("", "segnas_", one[:-1], one + "A", one.upper(), one.removeprefix("segnas_"), f" {one}"):
        assert store.find_token(other) is None


def test_what_is_no_secret_by_its_form_does_not_reach_the_database(store: Store, statements):
    with statements() as sent:
        assert store.find_token("a-guess") is None
        assert store.find_token("segnas_" + "x" * 42) is None
    assert sent == []
    with statements() as sent:
        assert store.find_token("segnas_" + "x" * 43) is None
    assert len(sent) == 1


def test_a_name_is_free_again_when_its_token_is_revoked(store: Store):
    first, secret = create(store)
    with pytest.raises(ConflictError, match="there is a token 'alice' already: revoke it first"):
        create(store, scope=Scope.READ)
    revoked = store.revoke_token(first.id)
    assert revoked.revoked_at is not None
    assert store.revoke_token(first.id) == revoked
    assert store.find_token(secret) == revoked
    second, _ = create(store)
    assert store.tokens() == [second, revoked]


def test_of_many_at_once_one_gets_the_name(store: Store):
    def attempt(_: int) -> bool:
        try:
            create(store)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_limits_are_replaced(store: Store):
    token, _ = create(store, requests_per_minute=30)
    changed = store.limit_token(token.id, LimitsRequest(device_hours=2.0))
    assert (changed.requests_per_minute, changed.device_hours) == (None, 2.0)
    assert store.get_token(token.id) == changed


def test_the_newest_token_of_a_name_is_the_last_one_whatever_the_clock_said(store: Store, clock):
    first, _ = create(store, device_hours=100.0)
    store.revoke_token(first.id)
    clock.now -= DAY
    second, _ = create(store, device_hours=1.0)
    assert second.created_at < first.created_at
    assert store.tokens() == [second, store.get_token(first.id)]
    assert store.budgets(["alice"]) == {"alice": Budget("alice", 1.0, 0.0)}


def test_tokens_of_an_older_version_are_numbered_by_their_times(empty_url: str, clock):
    with Store.open(empty_url, clock) as store:
        store.migrate()
        made = [create(store, name)[0] for name in ("zoe", "bob", "alice")]
        store.downgrade("0016")
        store.migrate()
        assert store.tokens() == made[::-1]
        newest, _ = create(store, "carol")
        assert store.tokens() == [newest, *made[::-1]]


def test_use_is_noted(store: Store, clock):
    token, _ = create(store)
    assert token.used_at is None
    clock.now += 50
    store.token_used(token.id)
    used = store.get_token(token.id).used_at
    assert used is not None
    assert used == pytest.approx(token.created_at + 50, abs=0.1)


def test_an_unknown_token_is_told(store: Store):
    for call in (
        store.get_token,
        store.revoke_token,
        lambda unknown: store.limit_token(unknown, LimitsRequest()),
    ):
        with pytest.raises(NotFoundError, match="there is no token 't000000000000'"):
            call("t000000000000")


def test_searches_are_listed_by_owner_page_by_page(store: Store, spec):
    ids = [store.create_search(spec, owner=owner)[0].id for owner in ("alice", "bob", "alice", None, "alice")]
    first = store.list_searches(owner="alice", limit=2)
    second = store.list_searches(owner="alice", limit=2, cursor=first.cursor)
    assert [search.id for search in (*first.items, *second.items)] == [ids[4], ids[2], ids[0]]
    assert {search.owner for search in first.items} == {"alice"}
    assert store.get_search(ids[3]).owner is None
    assert [search.owner for search in store.list_searches().items] == ["alice", None, "alice", "bob", "alice"]


def _measured_search(store: Store, spec, measured, add, owner: str, *seconds: float) -> str:
    """A search that is over, whose trials took so many device-seconds."""
    search, _ = store.create_search(spec, owner=owner)
    store.driver_started(search.id, store.begin_driver(search.id))
    for number, taken in enumerate(seconds):
        add(search.id, number)
        store.record_measurement(search.id, number, 1, measured(300, device_seconds=taken))
        store.finish_trial(search.id, number, 1, TrialStatus.COMPLETED)
    store.finish_search(search.id, 1, SearchStatus.COMPLETED)
    return search.id


def test_what_an_owner_has_spent_is_the_time_of_trials_and_runs(store: Store, spec, measured, add, snapshot_at):
    _measured_search(store, spec, measured, add, "alice", 100.0, 20.5)
    _measured_search(store, spec, measured, add, "alice", 4.25)
    _measured_search(store, spec, measured, add, "bob", 1000.0)
    bilevel = AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(65, 65)), seeds=2)
    search, _ = store.create_search(bilevel, owner="alice")
    attempt = store.begin_driver(search.id)
    for run, epochs in ((0, (1, 2)), (1, (1,))):
        for epoch in epochs:  # 12.5 s an epoch; what counts is the last one of each run
            store.add_snapshot(search.id, attempt, run, snapshot_at(epoch))
    assert store.spent(["alice", "bob", "carol"]) == {
        "alice": 100.0 + 20.5 + 4.25 + 25.0 + 12.5,
        "bob": 1000.0,
        "carol": 0.0,
    }
    assert store.overview(search.id).cost.device_seconds == 37.5


def test_what_is_deleted_stays_spent(store: Store, spec, measured, add, snapshot_at):
    kept = _measured_search(store, spec, measured, add, "alice", 8.0)
    for seconds in (100.0, 7.5):
        store.delete_search(_measured_search(store, spec, measured, add, "alice", seconds))
    assert store.spent(["alice"]) == {"alice": 8.0 + 100.0 + 7.5}
    store.delete_search(kept)
    assert store.spent(["alice"]) == {"alice": 8.0 + 100.0 + 7.5}
    bilevel = AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(65, 65)))
    search, _ = store.create_search(bilevel, owner="alice")
    store.add_snapshot(search.id, store.begin_driver(search.id), 0, snapshot_at(2))
    store.move_search(search.id, [SearchStatus.STARTING], SearchStatus.FAILED)
    store.delete_search(search.id)
    assert store.spent(["alice"]) == {"alice": 8.0 + 100.0 + 7.5 + 25.0}


def test_a_budget_is_that_of_the_newest_token_of_a_name(store: Store, spec, measured, add):
    first, _ = create(store, device_hours=1.0)
    create(store, "bob")
    _measured_search(store, spec, measured, add, "alice", 1800.0)
    assert store.budgets(["alice", "bob", "carol"]) == {"alice": Budget("alice", 1.0, 0.5)}
    _measured_search(store, spec, measured, add, "alice", 1800.0)
    assert store.budgets(["alice"])["alice"].exhausted
    store.revoke_token(first.id)
    assert store.budgets(["alice"])["alice"].exhausted  # its searches may still be running
    create(store, device_hours=2.0)
    assert store.budgets(["alice"]) == {"alice": Budget("alice", 2.0, 1.0)}
    assert not store.budgets(["alice"])["alice"].exhausted
