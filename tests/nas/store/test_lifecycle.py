"""Searches that go on after their end: resumed, extended, edited, deleted; what stays, and who is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.store import ConflictError, NotFoundError, SearchClosedError, Stage, StaleAttemptError, Store, TrialRecord
from tests.builders import ENVIRONMENT

S, T = SearchStatus, TrialStatus


@pytest.fixture
def stopped(store: Store, driven: str, add, measured) -> str:
    """A stopped search of attempt 1: trial 0 completed, 1 pruned, 2 failed, 3 stopped after a rung, 4 before one."""
    for number in range(5):
        add(driven, number)
    for number in (0, 1, 3):
        store.record_measurement(driven, number, 1, measured(100, 0.1 * number))
    store.record_measurement(driven, 0, 1, measured(300, 0.5))
    for number, end in enumerate((T.COMPLETED, T.PRUNED, T.FAILED)):
        store.finish_trial(driven, number, 1, end)
    store.set_stage(driven, 1, Stage("trials", 3, 9))
    store.finish_search(driven, 1, S.STOPPED, "stopped on request")
    return driven


def statuses(store: Store, search: str) -> list[str]:
    return [str(trial.status) for trial in store.all_trials(search)]


@pytest.mark.parametrize("end", [S.STOPPED, S.FAILED, S.PAUSED])
def test_a_search_at_rest_is_queued_again_with_its_trials(store: Store, driven: str, add, end):
    add(driven, 0)
    if end is S.PAUSED:
        store.move_search(driven, [S.RUNNING], S.PAUSING)
    store.finish_search(driven, 1, end, "why")
    before = store.get_search(driven)
    assert before.status is end
    for _ in range(2):
        resumed = store.resume_search(driven)
        assert (resumed.status, resumed.attempt, resumed.message, resumed.stage) == (S.QUEUED, 1, None, None)
        assert (resumed.finished_at, resumed.created_at, resumed.started_at) == (
            None,
            before.created_at,
            before.started_at,
        )
        assert resumed == store.get_search(driven)
    assert [search.id for search in store.due_searches()] == [driven]
    assert statuses(store, driven) == ["stopped"]
    assert store.begin_driver(driven) == 2


def test_what_was_measured_stays_and_what_was_broken_off_goes_on(store: Store, stopped: str, measured):
    ended = store.all_trials(stopped)[:3]
    store.resume_search(stopped)
    driver = store.begin_driver(stopped)
    for number in range(3):
        with pytest.raises(StaleAttemptError):
            store.begin_attempt(stopped, number, driver)
    assert store.all_trials(stopped)[:3] == ended
    assert store.begin_attempt(stopped, 3, driver) == 2
    trial = store.get_trial(stopped, 3)
    assert (trial.status, trial.reason, trial.finished_at, trial.iteration) == (T.RUNNING, None, None, 100)
    with pytest.raises(StaleAttemptError):
        store.record_measurement(stopped, 3, 1, measured(300))  # the process of the first attempt, still there
    store.record_measurement(stopped, 3, 2, measured(300, 0.75))
    store.finish_trial(stopped, 3, 2, T.COMPLETED)
    assert [(point.iteration, point.score) for point in store.curve(stopped, 3)] == [
        (100, pytest.approx(0.3)),
        (300, 0.75),
    ]


def test_only_the_search_s_own_driver_continues_a_stopped_trial(store: Store, stopped: str):
    with pytest.raises(SearchClosedError):
        store.begin_attempt(stopped, 3, 1)
    store.resume_search(stopped)
    store.begin_driver(stopped)
    with pytest.raises(StaleAttemptError):
        store.begin_attempt(stopped, 3, 1)
    with pytest.raises(StaleAttemptError):
        store.begin_attempt(stopped, 3)
    assert store.get_trial(stopped, 3).status is T.STOPPED


def test_failed_trials_are_tried_again_when_asked(store: Store, stopped: str):
    store.resume_search(stopped)
    assert store.get_trial(stopped, 2).status is T.FAILED
    store.resume_search(stopped, retry_failed=True)  # still queued: nothing has begun
    assert statuses(store, stopped) == ["completed", "pruned", "stopped", "stopped", "stopped"]
    driver = store.begin_driver(stopped)
    store.resume_search(stopped, retry_failed=True)  # the same request again, late: no failed trial is left
    assert store.begin_attempt(stopped, 2, driver, deaths=3) == 2
    store.finish_trial(stopped, 2, 2, T.FAILED)
    with pytest.raises(ConflictError, match="pause it first"):
        store.resume_search(stopped, retry_failed=True)
    store.finish_search(stopped, driver, S.COMPLETED)
    assert store.get_trial(stopped, 2).deaths == 3
    store.resume_search(stopped, retry_failed=True)
    assert store.get_trial(stopped, 2).deaths == 0, "all of its retries are its own again"


def test_a_completed_search_has_nothing_to_resume_but_failed_trials(store: Store, driven: str, add):
    add(driven, 0)
    store.finish_trial(driven, 0, 1, T.FAILED)
    store.finish_search(driven, 1, S.COMPLETED)
    with pytest.raises(ConflictError, match=r"nothing is left to resume; retry_failed would try its 1 failed.*extend"):
        store.resume_search(driven)
    assert store.get_search(driven).status is S.COMPLETED
    assert store.resume_search(driven, retry_failed=True).status is S.QUEUED


def test_a_search_whose_trials_have_all_failed_says_how_to_go_on(store: Store, spec, cells):
    search = store.create_search(spec.model_copy(update={"trials": 1}))[0].id
    store.begin_driver(search)
    store.add_trial(search, 1, Proposal(0, cells[0], spec.fidelity, 0))
    store.finish_trial(search, 0, 1, T.FAILED, "no memory")
    store.finish_search(search, 1, S.FAILED)
    with pytest.raises(ConflictError, match=r"all trials .* retry_failed"):
        store.resume_search(search)
    assert store.resume_search(search, retry_failed=True).status is S.QUEUED


@pytest.mark.parametrize("ending", [S.STOPPING, S.PAUSING])
def test_a_search_that_still_ends_cannot_be_resumed_yet(store: Store, driven: str, ending):
    store.move_search(driven, [S.RUNNING], ending)
    with pytest.raises(ConflictError, match=f"still {ending}"):
        store.resume_search(driven)


def test_a_paused_search_waits_without_driver_lease_or_running_trials(store: Store, driven: str, add, clock):
    add(driven, 0)
    assert store.take_lease(driven, "service", store.leases()[driven])
    held = store.leases()[driven]
    assert store.move_search(driven, [S.RUNNING], S.PAUSING, message="paused on request")
    with pytest.raises(SearchClosedError):
        add(driven, 1)
    assert [search.id for search in store.due_searches()] == [driven]
    store.finish_search(driven, 1, S.PAUSED)
    paused = store.get_search(driven)
    assert (paused.status, paused.message, paused.finished_at) == (S.PAUSED, "paused on request", None)
    assert (store.get_trial(driven, 0).status, store.get_trial(driven, 0).reason) == (
        T.STOPPED,
        "the search was paused",
    )
    assert store.due_searches() == []
    assert driven not in store.leases()
    assert not store.take_lease(driven, "other", held)
    for write in (
        lambda: add(driven, 1),
        lambda: store.set_stage(driven, 1, Stage("trials", 0, 1)),
        lambda: store.driver_started(driven, 1),
        lambda: store.begin_attempt(driven, 0, 1),
        lambda: store.finish_search(driven, 1, S.COMPLETED),
    ):
        with pytest.raises(SearchClosedError):
            write()
    store.finish_search(driven, 1, S.PAUSED)  # the same end again
    store.resume_search(driven)
    assert store.take_lease(driven, "other", store.leases()[driven])


def test_a_pausing_search_that_is_stopped_stops(store: Store, driven: str):
    store.move_search(driven, [S.RUNNING], S.PAUSING)
    assert store.move_search(driven, [S.PAUSING], S.STOPPING)
    with pytest.raises(SearchClosedError):
        store.finish_search(driven, 1, S.PAUSED)
    store.finish_search(driven, 1, S.STOPPED)
    assert store.get_search(driven).status is S.STOPPED


def test_a_running_search_is_paused_by_its_driver_only_when_asked(store: Store, driven: str):
    with pytest.raises(StaleAttemptError):
        store.finish_search(driven, 1, S.PAUSED)
    assert store.get_search(driven).status is S.RUNNING


def test_extending_changes_spec_forecast_and_status_at_once(store: Store, driven: str, spec, add):
    longer = spec.model_copy(update={"trials": 200})
    with pytest.raises(ConflictError, match="running: pause it first"):
        store.extend_search(driven, spec, longer)
    assert store.get_search(driven).spec == spec
    add(driven, 0)
    store.finish_search(driven, 1, S.COMPLETED)
    assert store.extend_search(driven, longer, longer) is None  # not the spec that it has
    assert store.get_search(driven).status is S.COMPLETED
    extended = store.extend_search(driven, spec, longer, {"device_seconds": 9.0})
    assert extended == store.get_search(driven)
    assert (extended.status, extended.planned, extended.forecast) == (S.QUEUED, 200, {"device_seconds": 9.0})
    assert (extended.attempt, extended.finished_at, statuses(store, driven)) == (1, None, ["stopped"])
    store.move_search(driven, [S.QUEUED], S.STOPPED)
    again = store.extend_search(driven, longer, spec.model_copy(update={"trials": 300}))
    assert again is not None
    assert again.forecast is None


def test_name_notes_and_tags_change_at_any_time_and_alone(store: Store, driven: str, spec):
    edited = store.edit_search(driven, name="another name")
    assert (edited.name, edited.notes, edited.tags) == ("another name", None, ())
    assert edited.spec == spec.model_copy(update={"name": "another name"})
    edited = store.edit_search(driven, notes="two\nlines, é", tags=["a", "ü/1", "a"])
    assert edited == store.get_search(driven)
    assert (edited.name, edited.notes, edited.tags, edited.status) == (
        "another name",
        "two\nlines, é",
        ("a", "ü/1"),
        S.RUNNING,
    )
    store.edit_search(driven, notes="", tags=[])
    assert (store.get_search(driven).notes, store.get_search(driven).tags) == (None, ())


def test_searches_are_found_by_a_tag_and_not_by_its_part(store: Store, spec):
    ids = [store.create_search(spec)[0].id for _ in range(4)]
    for search, tags in zip(ids, (["red"], ["red%", "blue"], [], ["x", "red"]), strict=True):
        store.edit_search(search, tags=tags)
    found = lambda tag, **query: [search.id for search in store.list_searches(tag=tag, **query).items]  # noqa: E731
    assert found("red") == [ids[3], ids[0]]
    assert found("red%") == [ids[1]]
    assert found("re") == found('"red"') == []
    assert found("red", status=S.QUEUED, limit=1) == [ids[3]]
    page = store.list_searches(tag="red", limit=1)
    assert [search.id for search in store.list_searches(tag="red", limit=1, cursor=page.cursor).items] == [ids[0]]


def test_a_deleted_search_leaves_nothing_of_its_own(store: Store, stopped: str, spec, snapshot_at, cells):
    other = store.create_search(spec)[0].id
    store.begin_driver(other)
    store.add_snapshot(other, 1, 0, snapshot_at(1))
    adopted = store.adopt_trial(other, 1, Proposal(0, cells[0], spec.fidelity, 0), stopped, 0)
    store.delete_search(stopped)
    for read in (lambda: store.get_search(stopped), lambda: store.delete_search(stopped)):
        with pytest.raises(NotFoundError):
            read()
    assert (store.all_trials(stopped), store.measurements(stopped), store.snapshots(stopped)) == ([], {}, [])
    assert [search.id for search in store.list_searches().items] == [other]
    assert adopted.source == f"{stopped}/0"
    assert store.get_trial(other, 0) == adopted
    assert [point.score for point in store.curve(other, 0)] == [0.0, 0.5]
    assert store.fidelities() == {spec.fidelity.key: spec.fidelity}
    # The only record of the measurement that is left can be adopted, and still names who measured.
    found = store.find_measured(cells[0].key, spec.fidelity.key, 0, ENVIRONMENT.key)
    assert found == (other, adopted)


def test_the_driver_of_a_deleted_search_hears_so(store: Store, stopped: str, add, snapshot_at, measured):
    store.delete_search(stopped)
    for write in (
        lambda: add(stopped, 9),
        lambda: store.begin_attempt(stopped, 3, 1),
        lambda: store.record_measurement(stopped, 3, 1, measured(300)),
        lambda: store.finish_trial(stopped, 3, 1, T.FAILED),
        lambda: store.set_stage(stopped, 1, Stage("trials", 0, 1)),
        lambda: store.finish_search(stopped, 1, S.STOPPED),
        lambda: store.add_snapshot(stopped, 1, 0, snapshot_at(1)),
        lambda: store.begin_driver(stopped),
        lambda: store.resume_search(stopped),
        lambda: store.edit_search(stopped, name="gone"),
    ):
        with pytest.raises(NotFoundError):
            write()


def test_a_search_that_runs_or_is_needed_is_not_deleted(store: Store, driven: str, spec):
    with pytest.raises(ConflictError, match="running: stop it first"):
        store.delete_search(driven)
    child = store.create_search(spec, parent=driven)[0].id
    warm = store.create_search(spec.model_copy(update={"warm_start": (driven,)}))[0].id
    begun = store.create_search(spec.model_copy(update={"start": ("published", driven)}))[0].id
    for search in (driven, child, warm, begun):
        store.move_search(search, [S.QUEUED, S.RUNNING], S.STOPPED)
    with pytest.raises(ConflictError, match=f"measure its trials: {child}; delete those first"):
        store.delete_search(driven)
    store.delete_search(child)
    with pytest.raises(ConflictError, match=f"start from what it has measured: {warm}, {begun};"):
        store.delete_search(driven)
    store.delete_search(warm)
    with pytest.raises(ConflictError, match=f"start from what it has measured: {begun};"):
        store.delete_search(driven)
    store.delete_search(begun)
    store.delete_search(driven)


def test_an_adopted_trial_may_end_at_the_rung_where_it_would_have_been_stopped(store: Store, stopped: str, spec, cells):
    mine = store.create_search(spec)[0].id
    store.begin_driver(mine)
    proposal = Proposal(0, cells[0], spec.fidelity, 0)
    with pytest.raises(ConflictError, match="has not measured 200"):
        store.adopt_trial(mine, 1, proposal, stopped, 0, pruned_at=200)
    store.adopt_trial(mine, 1, proposal, stopped, 0, pruned_at=100, unjudged=(100, 0.0))
    pruned = store.get_trial(mine, 0)
    assert (pruned.status, pruned.iteration, pruned.score, pruned.source) == (T.PRUNED, 100, 0.0, f"{stopped}/0")
    assert pruned.unjudged == (100, 0.0)
    assert [point.iteration for point in store.curve(mine, 0)] == [100]


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(3))
def test_resume_delete_and_a_driver_at_once(store: Store, url: str, stopped: str, turn):
    """Whoever is first wins: the search is gone, or it is driven; no row is left of one that is gone."""
    barrier = threading.Barrier(6)

    def attempt(action: Callable[[Store], Any]) -> Any:
        with Store.open(url) as mine:
            mine.overview("s0")
            barrier.wait()
            try:
                return action(mine)
            except (ConflictError, NotFoundError) as error:
                return error

    def drive(mine: Store) -> TrialRecord:
        attempt = mine.begin_driver(stopped)
        mine.begin_attempt(stopped, 3, attempt)
        return mine.get_trial(stopped, 3)

    actions = [lambda mine: mine.resume_search(stopped), lambda mine: mine.delete_search(stopped), drive] * 2
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, actions))
    deleted = sum(answer is None for answer in answers)
    assert deleted <= 1
    if deleted:
        assert store.list_searches().items == ()
        assert store.all_trials(stopped) == []
        assert store.measurements(stopped) == {}
    else:
        search = store.get_search(stopped)
        assert search.status in (S.QUEUED, S.STARTING)
        assert search.attempt == 1 + sum(isinstance(answer, TrialRecord) for answer in answers)


@pytest.mark.slow
def test_pause_and_stop_at_once(store: Store, url: str, driven: str):
    """Stopping wins over pausing, whichever came first."""

    def ask(to: SearchStatus) -> None:
        with Store.open(url) as mine:
            mine.move_search(driven, [S.RUNNING, *([S.PAUSING] if to is S.STOPPING else [])], to)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, [S.PAUSING, S.STOPPING] * 2))
    assert store.get_search(driven).status is S.STOPPING


def test_old_specs_keep_their_keys(spec: BlackBoxSpec):
    document = spec.model_dump(mode="json")
    assert {"adopt", "warm_start"} & document.keys() == set()
    assert "adopt" in spec.model_copy(update={"adopt": True}).model_dump(mode="json")
