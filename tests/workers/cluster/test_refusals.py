"""When a cluster that answers everything else and takes no job counts as deaf."""

from __future__ import annotations

import pytest

from workers.cluster.refusals import DEAF_SECONDS, LONGEST_SECONDS, STALE_SECONDS, Refusals


class Clock:
    """Tells the time that it was given."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refusals(clock) -> Refusals:
    return Refusals(clock)


def refuse(refusals: Refusals, clock: Clock, *waits: float) -> None:
    for wait in waits:
        clock.now += wait
        refusals.refused("timed out")


def test_a_few_refusals_in_a_short_time_are_the_first_seconds_of_a_cluster(refusals, clock):
    assert refusals.deaf() is None
    refuse(refusals, clock, 0, 22, 24, 13)
    assert refusals.deaf() is None


def test_three_refusals_over_a_minute_are_deafness(refusals, clock):
    refuse(refusals, clock, 0, DEAF_SECONDS)
    assert refusals.deaf() is None, "two only"
    refuse(refusals, clock, 0)
    assert refusals.deaf() == "for 60 s it has taken no job: timed out"


def test_a_job_that_is_taken_ends_the_series(refusals, clock):
    refuse(refusals, clock, 0, 40, 40)
    refusals.taken()
    refuse(refusals, clock, 1, 2)
    assert refusals.deaf() is None


def test_refusals_of_long_ago_say_nothing(refusals, clock):
    refuse(refusals, clock, 0, 40, 40)
    clock.now += STALE_SECONDS + 1
    assert refusals.deaf() is None
    refuse(refusals, clock, 0)
    assert refusals.deaf() is None, "a new series"


def test_a_restart_that_changed_nothing_is_not_repeated_at_once(refusals, clock):
    patience = []
    for _ in range(8):
        began = clock.now
        refuse(refusals, clock, 0)
        while refusals.deaf() is None:
            refuse(refusals, clock, 30)
        patience.append(clock.now - began)
        refusals.restarted()
        assert refusals.deaf() is None
    assert patience == [60, 120, 240, 480, 960, 1920, LONGEST_SECONDS, LONGEST_SECONDS]
    refusals.taken()
    refuse(refusals, clock, 0, 30, 30)
    assert refusals.deaf() is not None


def test_a_restart_for_another_reason_costs_no_patience(refusals, clock):
    refuse(refusals, clock, 0, 30)
    refusals.restarted()
    refuse(refusals, clock, 0, 30, 30)
    assert refusals.deaf() is not None
