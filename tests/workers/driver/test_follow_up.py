"""The confirmation that follows a completed search by itself: once for each result, and never after another end."""

from __future__ import annotations

from typing import Any

import pytest

from nas.kinds.black_box import BlackBox
from nas.kinds.extension import extended
from nas.results.status import SearchStatus
from nas.specs import ConfirmationSpec, RandomStrategy
from nas.store import SearchRecord, Store
from nas.store.drivers import Drivers
from search_spaces import ReferenceHead
from search_spaces.validation import FieldProblem, InputError
from tests.workers.driver.toy import begin, drive
from workers.driver.record import DriverRecord

S = SearchStatus
CONFIRM = {"top": 2, "seeds": 2, "references": ["conv1x1"]}


def create(store: Store, spec_of: Any, **changes: Any) -> str:
    spec = spec_of(strategy=RandomStrategy(), trials=6, **changes)
    search: SearchRecord = store.create_search(type(spec).model_validate(spec.model_dump()))[0]
    return search.id


def held_out(spec_of: Any) -> dict[str, Any]:
    """The fidelity of the tests' searches, with a part of its images kept back."""
    return {**spec_of().fidelity.model_dump(mode="json"), "holdout": {"share": 0.5}}


def confirmations(store: Store, search: str) -> list[tuple[str, ConfirmationSpec]]:
    found = [(child.id, child.spec) for child in store.children(search)]
    return [(child, spec) for child, spec in found if isinstance(spec, ConfirmationSpec)]


def best_two(store: Store, search: str) -> tuple[int, ...]:
    return tuple(trial.number for trial in store.list_trials(search, "-score", limit=2).items)


def test_a_completed_search_is_followed_by_a_confirmation_of_its_best(store, spec_of):
    search = create(store, spec_of, confirm=CONFIRM, fidelity=held_out(spec_of))
    drive(store, search)
    assert store.get_search(search).status is S.COMPLETED
    ((child, spec),) = confirmations(store, search)
    record = store.get_search(child)
    assert (record.status, record.parent, record.name) == (S.QUEUED, search, "toy: confirmation")
    assert (spec.of, spec.trials, spec.seeds) == (search, best_two(store, search), 2)
    assert spec.references == (ReferenceHead(name="conv1x1"),)
    assert spec.kept_back
    assert spec.seed == 1 + store.get_search(search).spec.seed


def test_images_kept_back_confirm_without_being_asked_and_false_does_not(store, spec_of):
    kept, told_not = (create(store, spec_of, fidelity=held_out(spec_of), **more) for more in ({}, {"confirm": False}))
    plain = create(store, spec_of)
    for search in (kept, told_not, plain):
        drive(store, search)
    ((_, spec),) = confirmations(store, kept)
    assert (len(spec.trials), spec.seeds, len(spec.references)) == (3, 4, 6)
    assert not confirmations(store, told_not)
    assert not confirmations(store, plain), "a spec as it always was is searched as it always was"


@pytest.mark.parametrize("die_at", range(0, 12, 3))
def test_a_lost_driver_leaves_one_confirmation(store, spec_of, die_at):
    search = create(store, spec_of, confirm=CONFIRM)
    if drive(store, search, die_at) is not None:
        assert not confirmations(store, search)
        store.requeue_search(search, 1, 0.0, "lost")
        drive(store, search)
    assert store.get_search(search).status is S.COMPLETED
    assert len(confirmations(store, search)) == 1


def test_an_end_that_is_written_twice_queues_one(store, spec_of):
    search = create(store, spec_of, confirm=CONFIRM)
    drive(store, search)
    record = store.get_search(search)
    assert DriverRecord(store, record, record.attempt).finish(S.COMPLETED) is S.COMPLETED
    assert len(confirmations(store, search)) == 1


def test_end_and_confirmation_are_one_transaction(store, spec_of, monkeypatch):
    """Where the second cannot be written, the first is not either."""

    def broken(*_: object) -> None:
        raise RuntimeError("the process ended here")

    search = create(store, spec_of, confirm=CONFIRM)
    monkeypatch.setattr(Drivers, "_insert_child", broken)
    with pytest.raises(RuntimeError):
        drive(store, search)
    assert store.get_search(search).status is S.RUNNING


@pytest.mark.parametrize("end", [S.STOPPED, S.FAILED])
def test_a_search_that_was_stopped_or_failed_is_not_confirmed(store, spec_of, end):
    search = create(store, spec_of, confirm=CONFIRM)
    begin(store, search)
    record = store.get_search(search)
    DriverRecord(store, record, record.attempt).finish(end)
    assert not confirmations(store, search)


@pytest.mark.parametrize("asked", [S.STOPPING, S.PAUSING])
def test_a_search_that_ends_while_a_user_stops_it_is_not_confirmed(store, spec_of, asked):
    search = create(store, spec_of, confirm=CONFIRM)
    drive(store, search)
    (child, _), *_ = confirmations(store, search)
    store.move_search(child, [S.QUEUED], S.STOPPED)
    store.delete_search(child)
    spec = store.get_search(search).spec
    store.extend_search(search, spec, extended(spec, {"trials": 7}))
    begin(store, search)
    assert store.move_search(search, [S.RUNNING], asked)
    record = store.get_search(search)
    DriverRecord(store, record, record.attempt).finish(S.COMPLETED)
    assert store.get_search(search).status is S.COMPLETED
    assert not confirmations(store, search)


def test_a_new_result_is_confirmed_anew_and_the_same_one_is_not(store, spec_of):
    search = create(store, spec_of, confirm=CONFIRM)
    drive(store, search)
    results, trials = [best_two(store, search)], 6
    store.edit_search(search, name="another name")
    for trials in range(7, 30):
        spec = store.get_search(search).spec
        store.extend_search(search, spec, extended(spec, {"trials": trials}))
        drive(store, search)
        if (now := best_two(store, search)) not in results:
            results.append(now)
        assert [spec.trials for _, spec in confirmations(store, search)] == results
    assert 1 < len(results) < trials - 6, "the draw has results of both kinds"


def test_what_cannot_be_confirmed_is_completed_and_says_why(store, spec_of, monkeypatch):
    def refuses(*_: object) -> None:
        raise InputError([FieldProblem(path="references.1", message="it does not fit")])

    monkeypatch.setattr(BlackBox, "follow_up", refuses)
    search = create(store, spec_of, confirm=CONFIRM)
    drive(store, search)
    after = store.get_search(search)
    assert (after.status, after.message) == (S.COMPLETED, "what should follow it cannot: references.1: it does not fit")
    assert not confirmations(store, search)
