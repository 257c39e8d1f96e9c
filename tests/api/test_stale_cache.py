"""Values made beside the answers: fresh where they are quick, the last ones where they are not, never too often."""

from __future__ import annotations

import threading

import pytest

from api.stale_cache import AFTER_FAILURE, Found, StaleCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    cache: StaleCache[str] = StaleCache(clock)
    yield cache
    cache.close()


def _settled(cache: StaleCache[str], key: str, state: int, make) -> Found[str]:
    """What is found once nothing is being made any more."""
    cache.get(key, state, make)
    for _ in range(500):
        if cache._entries[key].making is None:
            return cache.get(key, state, make)
        threading.Event().wait(0.01)
    raise AssertionError("it is being made for ever")


def test_a_value_is_made_once_for_a_state(cache):
    made: list[str] = []

    def make() -> str:
        made.append(f"value {len(made) + 1}")
        return made[-1]

    for state in (1, 1, 2, 2):
        assert _settled(cache, "a", state, make) == (f"value {state}", True)
    assert len(made) == 2


def test_what_takes_long_is_awaited_by_nobody_and_the_last_value_given(cache):
    assert _settled(cache, "a", 1, lambda: "old") == ("old", True)
    ready = threading.Event()
    assert cache.get("a", 2, lambda: ready.wait(60) and "new") == ("old", False)
    assert cache.get("b", 1, lambda: "other") == (None, False), "one thread makes all values"
    ready.set()
    assert _settled(cache, "a", 2, lambda: "not asked for again") == ("new", True)
    assert _settled(cache, "b", 1, lambda: "other") == ("other", True)


def test_a_value_is_not_made_more_often_than_its_time_allows(cache, clock):
    def slow() -> str:
        clock.now += 2.0
        return f"at {clock.now}"

    assert _settled(cache, "a", 1, slow) == ("at 2.0", True)
    clock.now += 39  # of 5 %, 2 seconds of work are 40 seconds
    assert _settled(cache, "a", 2, slow) == ("at 2.0", False)
    clock.now += 2
    assert _settled(cache, "a", 2, slow) == ("at 45.0", True)


def test_what_fails_is_logged_and_tried_again_later(cache, clock, caplog):
    def fails() -> str:
        raise RuntimeError("the store is away")

    assert _settled(cache, "a", 1, fails) == (None, False)
    assert "the store is away" in caplog.text
    clock.now += AFTER_FAILURE - 1
    assert _settled(cache, "a", 1, lambda: "found") == (None, False)
    clock.now += 2
    assert _settled(cache, "a", 1, lambda: "found") == ("found", True)


def test_the_present_value_is_made_by_who_needs_it_and_kept_for_the_others(cache, clock):
    made: list[str] = []

    def make() -> str:
        clock.now += 2.0
        made.append(threading.current_thread().name)
        return f"value {len(made)}"

    here = threading.current_thread().name
    assert cache.present("a", 1, make) == "value 1"
    assert cache.get("a", 1, make) == ("value 1", True)
    assert cache.present("a", 1, make) == "value 1"
    assert cache.present("a", 2, make) == "value 2", "however often it was made of late"
    assert made == [here, here]
    with pytest.raises(ZeroDivisionError):
        cache.present("a", 3, lambda: str(1 // 0))
    assert cache.get("a", 2, make) == ("value 2", True)


def test_the_present_value_is_awaited_while_it_is_being_made(cache):
    begun, ready = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert ready.wait(60)
        return "from beside"

    cache.get("a", 1, slow)
    assert begun.wait(60)
    threading.Timer(0.05, ready.set).start()
    assert cache.present("a", 1, lambda: "made twice") == "from beside"
