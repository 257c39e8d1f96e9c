"""Progress since the present driver began, which excuses its loss."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.store import NotFoundError, SearchClosedError, StaleAttemptError, Store

S, T = SearchStatus, TrialStatus


def replace_driver(store: Store, search: str) -> int:
    attempt = store.get_search(search).attempt
    assert store.requeue_search(search, attempt, 0.0, "lost")
    return store.begin_driver(search)


def test_what_outlives_a_driver_is_progress(store: Store, driven: str, add, measured, snapshot_at):
    trial = lambda number, end: store.finish_trial(driven, number, 1, end)  # noqa: E731
    for number in range(4):
        add(driven, number)
    assert not store.progressed(driven)  # a trial that only began is begun again by the next driver
    for event in (
        lambda attempt: store.record_measurement(driven, 0, 1, measured(100)),
        lambda attempt: store.record_measurement(driven, 0, 1, measured(300)),
        lambda attempt: trial(0, T.COMPLETED),
        lambda attempt: trial(1, T.FAILED),
        lambda attempt: store.add_snapshot(driven, attempt, 0, snapshot_at(1)),
        lambda attempt: store.fail_run(driven, attempt, 1, "no memory"),
        lambda attempt: store.record_reached(driven, attempt, 1),
    ):
        attempt = store.get_search(driven).attempt
        if attempt > 1:
            store.driver_started(driven, attempt)
        event(attempt)
        assert store.progressed(driven)
        event(attempt)  # delivered twice
        replace_driver(store, driven)
        assert not store.progressed(driven)


def test_only_a_step_that_no_driver_had_reached_is_progress(store: Store, driven: str):
    store.record_reached(driven, 1, 3)
    attempt = replace_driver(store, driven)
    for step in (1, 2, 3):
        store.record_reached(driven, attempt, step)
        assert not store.progressed(driven)
    store.record_reached(driven, attempt, 4)
    assert store.progressed(driven)
    with pytest.raises(StaleAttemptError):
        store.record_reached(driven, 1, 9)


def test_the_progress_of_one_search_is_not_that_of_another(store: Store, driven: str, spec, add, measured):
    other = store.create_search(spec)[0].id
    store.begin_driver(other)
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured())
    assert store.progressed(driven)
    assert not store.progressed(other)
    with pytest.raises(NotFoundError):
        store.progressed("s0")


def test_the_end_of_a_search_forgets_its_setbacks(store: Store, driven: str):
    """Whoever resumes it starts the count anew."""
    assert store.requeue_search(driven, 1, 8.0, "died", setbacks=4)
    store.begin_driver(driven)
    assert store.get_search(driven).setbacks == 4
    store.move_search(driven, [S.STARTING], S.FAILED)
    failed = store.get_search(driven)
    assert (failed.setbacks, failed.hold_seconds) == (0, None)
    with pytest.raises(SearchClosedError):
        store.record_reached(driven, 2, 1)


def test_a_driver_of_an_older_version_has_the_benefit_of_the_doubt(store: Store, driven: str):
    """It began before what was recorded then was marked."""
    with store._write() as connection:
        connection.exec_driver_sql("UPDATE searches SET progress_mark = NULL")
    assert store.progressed(driven)
