"""How many requests a token may send."""

from __future__ import annotations

from api.rates import Rates
from nas.specs.tokens import Scope
from nas.store import TokenRecord
from tests.api.told_cluster import Watch


def token(per_minute: int | None, name: str = "t1") -> TokenRecord:
    return TokenRecord(name, "alice", Scope.READ, 0.0, None, None, None, per_minute, None)


def test_a_minutes_requests_at_once_and_then_one_for_each_that_comes_back():
    clock = Watch()
    rates, alice = Rates(clock), token(6)  # one each 10 s
    assert [rates.pause(alice) for _ in range(7)] == [0] * 6 + [10]
    clock.now += 3
    assert rates.pause(alice) == 7
    clock.now += 7
    assert [rates.pause(alice), rates.pause(alice)] == [0, 10]
    clock.now += 25
    assert [rates.pause(alice) for _ in range(3)] == [0, 0, 5]
    clock.now += 3600  # and not more than a minute's, however long it was silent
    assert [rates.pause(alice) for _ in range(7)] == [0] * 6 + [10]


def test_in_any_minute_no_more_than_twice_the_limit_are_answered_and_on_the_long_run_the_limit():
    clock = Watch()
    rates, alice, answered = Rates(clock), token(60), []
    for _ in range(6000):  # ten a second for ten minutes
        if rates.pause(alice) == 0:
            answered.append(clock.now)
        clock.now += 0.1
    assert max(sum(start <= moment < start + 60 for moment in answered) for start in answered) <= 120
    assert 60 * 10 <= len(answered) <= 60 * 11


def test_tokens_do_not_share_and_one_without_a_limit_is_not_counted():
    rates = Rates(Watch())
    assert [rates.pause(token(1)), rates.pause(token(1)), rates.pause(token(1, "t2"))] == [0, 60, 0]
    assert {rates.pause(token(None, "t3")) for _ in range(1000)} == {0}


def test_a_higher_limit_counts_at_once():
    clock = Watch()
    rates = Rates(clock)
    assert [rates.pause(token(1)), rates.pause(token(1))] == [0, 60]
    clock.now += 1
    assert rates.pause(token(120)) == 0
