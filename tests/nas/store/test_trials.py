"""Trials: recorded exactly once, whatever is delivered twice, late, or by a replaced attempt."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.store import ConflictError, NotFoundError, StaleAttemptError, Store
from nas.store.tables import ArchitectureRow, FidelityRow, TrialRow
from search_spaces.dense_cell.architecture import AtrousSeparable, Branch, Conv1x1, DenseCell
from search_spaces.reference.architecture import ReferenceHead

T = TrialStatus
ENDS = [status for status in T if status.terminal]


def test_a_new_trial_is_running_and_reads_back_whole(store: Store, driven: str, spec, cells):
    made = store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 42))
    assert made == store.get_trial(driven, 0)
    assert (made.number, made.seed, made.attempt, made.status) == (0, 42, 1, T.RUNNING)
    assert (made.score, made.iteration, made.reason, made.finished_at) == (None, None, None, None)
    assert made.architecture_key == cells[0].key
    assert made.architecture == cells[0]
    assert made.fidelity_key == spec.fidelity.key
    assert store.curve(driven, 0) == []


def test_every_kind_of_architecture_is_stored(store: Store, driven: str, spec):
    for number, head in enumerate([ReferenceHead(name="aspp"), ReferenceHead(name="conv1x1")]):
        made = store.add_trial(driven, 1, Proposal(number, head, spec.fidelity, 0))
        assert store.get_trial(driven, number).architecture == head
        assert made.architecture_key == head.key


def test_the_same_trial_again_meets_the_recorded_one(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured())
    recorded = store.get_trial(driven, 0)
    assert add(driven, 0) == recorded
    assert store.all_trials(driven) == [recorded]


def test_a_number_is_bound_to_its_content(store: Store, driven: str, spec, cells, add):
    recorded = add(driven, 0)
    shorter = spec.fidelity.model_copy(update={"rungs": (100,)})
    for content in ((cells[1], spec.fidelity, 0), (cells[0], shorter, 0), (cells[0], spec.fidelity, 1)):
        with pytest.raises(ConflictError, match=r"trial 0 .* other content"):
            store.add_trial(driven, 1, Proposal(0, *content))
    assert store.all_trials(driven) == [recorded]


def test_an_architecture_is_stored_once_in_its_canonical_form(store: Store, driven: str, spec):
    one, other = Branch(input=-1, operator=Conv1x1()), Branch(input=-1, operator=AtrousSeparable(rate=(6, 3)))
    written = [DenseCell(branches=(one, other)), DenseCell(branches=(other, one))]
    assert written[0].key == written[1].key
    first, second = (store.add_trial(driven, 1, Proposal(n, cell, spec.fidelity, 0)) for n, cell in enumerate(written))
    # Cells are equal in any order of their branches, so the order itself is compared.
    canonical = written[0].canonical().branches
    for trial in (first, second, store.get_trial(driven, 1)):
        assert isinstance(trial.architecture, DenseCell)
        assert trial.architecture.branches == canonical
    with store._read() as connection:
        assert connection.execute(select(func.count()).select_from(ArchitectureRow)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(FidelityRow)).scalar() == 1


def test_a_fidelity_that_was_rolled_back_is_sent_again(store: Store, spec, cells):
    """The store remembers which fidelities it has sent, so a refused trial must not count."""
    search, _ = store.create_search(spec)
    with pytest.raises(StaleAttemptError):
        store.add_trial(search.id, 0, Proposal(0, cells[0], spec.fidelity, 0))
    store.begin_driver(search.id)
    assert store.add_trial(search.id, 1, Proposal(0, cells[0], spec.fidelity, 0)).number == 0


def test_the_score_follows_the_deepest_rung(store: Store, driven: str, add, measured):
    add(driven, 0)
    first, second = measured(100, 0.4), measured(300, 0.3, seconds=7.0, device_seconds=3.5)
    store.record_measurement(driven, 0, 1, first)
    assert (store.get_trial(driven, 0).score, store.get_trial(driven, 0).iteration) == (0.4, 100)
    store.record_measurement(driven, 0, 1, second)
    trial = store.get_trial(driven, 0)
    assert (trial.score, trial.iteration, trial.seconds, trial.device_seconds) == (0.3, 300, 7.0, 3.5)
    assert store.curve(driven, 0) == [first, second]


def test_the_same_rung_again_keeps_the_first(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.4))
    recorded = store.get_trial(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.9))
    assert store.get_trial(driven, 0) == recorded
    assert store.curve(driven, 0) == [measured(100, 0.4)]


def test_the_node_is_that_of_the_last_result(store: Store, driven: str, add, measured):
    add(driven, 0)
    assert store.get_trial(driven, 0).node is None
    store.record_measurement(driven, 0, 1, measured(10, 0.5), node="one (9134d6fc)")
    assert store.get_trial(driven, 0).node == "one (9134d6fc)"
    attempt = store.begin_attempt(driven, 0)
    store.record_measurement(driven, 0, attempt, measured(20, 0.6), node="two (0badcafe)")
    store.finish_trial(driven, 0, attempt, TrialStatus.COMPLETED)
    assert store.get_trial(driven, 0).node == "two (0badcafe)"
    add(driven, 1)
    store.finish_trial(driven, 1, 1, TrialStatus.FAILED, "the loss is not finite", "two (0badcafe)")
    assert store.get_trial(driven, 1).node == "two (0badcafe)"


def test_a_late_rung_joins_the_curve_only(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(300, 0.4))
    recorded = store.get_trial(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.9))
    assert store.get_trial(driven, 0) == recorded
    assert [point.iteration for point in store.curve(driven, 0)] == [100, 300]


def test_a_new_attempt_replaces_the_old_one(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.4))
    assert store.begin_attempt(driven, 0) == 2
    assert store.begin_attempt(driven, 0, driver_attempt=1) == 3
    for attempt in (1, 2, 4):
        with pytest.raises(StaleAttemptError, match=f"attempt {attempt} of trial 0 .* running, attempt 3"):
            store.record_measurement(driven, 0, attempt, measured(300))
        with pytest.raises(StaleAttemptError):
            store.finish_trial(driven, 0, attempt, T.FAILED, "late")
    # It starts over, measures the first rung again, and that stays the first one's.
    store.record_measurement(driven, 0, 3, measured(100, 0.6))
    store.record_measurement(driven, 0, 3, measured(300, 0.7))
    store.finish_trial(driven, 0, 3, T.COMPLETED)
    assert [point.score for point in store.curve(driven, 0)] == [0.4, 0.7]
    assert store.get_trial(driven, 0).attempt == 3


def test_deaths_are_a_total_so_that_a_repeated_write_counts_once(store: Store, driven: str, add):
    add(driven, 0)
    assert store.get_trial(driven, 0).deaths == 0
    for _ in range(2):
        store.begin_attempt(driven, 0, 1, deaths=1)
    store.begin_attempt(driven, 0, 1)
    trial = store.get_trial(driven, 0)
    assert (trial.attempt, trial.deaths) == (4, 1)


@pytest.mark.parametrize("end", ENDS)
def test_a_trial_that_is_over_never_changes(store: Store, driven: str, add, measured, end: TrialStatus):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.4))
    store.finish_trial(driven, 0, 1, end, "because")
    over = store.get_trial(driven, 0)
    assert (over.status, over.reason, over.finished_at) == (end, "because", over.updated_at)
    store.finish_trial(driven, 0, 1, end, "because of something else")  # the same end again
    store.record_measurement(driven, 0, 1, measured(100, 0.9))  # a rung that is recorded
    with pytest.raises(StaleAttemptError, match=f"it is {end}"):
        store.record_measurement(driven, 0, 1, measured(300))
    with pytest.raises(StaleAttemptError):
        store.begin_attempt(driven, 0)
    for other in ENDS:
        if other != end:
            with pytest.raises(StaleAttemptError):
                store.finish_trial(driven, 0, 1, other)
    assert store.get_trial(driven, 0) == over
    assert store.curve(driven, 0) == [measured(100, 0.4)]


@pytest.mark.parametrize("end", [T.COMPLETED, T.PRUNED])
def test_what_measured_nothing_cannot_succeed(store: Store, driven: str, add, end: TrialStatus):
    add(driven, 0)
    with pytest.raises(ValueError, match=f"measured nothing: it cannot end as {end}"):
        store.finish_trial(driven, 0, 1, end)
    store.finish_trial(driven, 0, 1, T.FAILED, "NaN loss at step 3")
    assert store.get_trial(driven, 0).reason == "NaN loss at step 3"


def test_a_trial_finishes_only_with_an_end(store: Store, driven: str, add):
    add(driven, 0)
    with pytest.raises(ValueError, match="cannot finish as running"):
        store.finish_trial(driven, 0, 1, T.RUNNING)


def test_stopping_keeps_what_was_measured(store: Store, driven: str, add, measured):
    for number in range(3):
        add(driven, number)
    store.record_measurement(driven, 1, 1, measured(100, 0.4))
    store.record_measurement(driven, 2, 1, measured(300, 0.8))
    store.finish_trial(driven, 2, 1, T.COMPLETED)
    store.finish_search(driven, 1, SearchStatus.STOPPED)
    assert [trial.status for trial in store.all_trials(driven)] == [T.STOPPED, T.STOPPED, T.COMPLETED]
    assert store.get_trial(driven, 1).score == 0.4
    assert store.measurements(driven) == {1: [measured(100, 0.4)], 2: [measured(300, 0.8)]}


def test_an_unknown_trial_is_not_found(store: Store, driven: str, measured):
    for call in (
        lambda: store.get_trial(driven, 9),
        lambda: store.curve(driven, 9),
        lambda: store.begin_attempt(driven, 9),
        lambda: store.record_measurement(driven, 9, 1, measured()),
        lambda: store.finish_trial(driven, 9, 1, T.FAILED),
    ):
        with pytest.raises(NotFoundError, match="no trial 9"):
            call()


def test_a_trial_of_an_unknown_search_is_not_found(store: Store, spec, cells):
    with pytest.raises(NotFoundError, match="no search 's0'"):
        store.add_trial("s0", 1, Proposal(0, cells[0], spec.fidelity, 0))


def test_searches_do_not_share_numbers(store: Store, spec, add, measured):
    ids = []
    for _ in range(2):
        search, _ = store.create_search(spec)
        store.begin_driver(search.id)
        add(search.id, 0)
        ids.append(search.id)
    store.record_measurement(ids[0], 0, 1, measured())
    assert store.get_trial(ids[1], 0).score is None
    assert store.measurements(ids[1]) == {}
    store.finish_search(ids[0], 1, SearchStatus.STOPPED)
    assert store.get_trial(ids[0], 0).status is T.STOPPED
    assert store.get_trial(ids[1], 0).status is T.RUNNING


@pytest.mark.parametrize(
    "change",
    [
        "score = 1.5, iteration = 1",
        "score = -0.1, iteration = 1",
        "score = 0.5",
        "status = 'done'",
        "status = 'failed'",
        "status = 'completed', finished_at = 1",
        "attempt = 0",
        "number = -1",
        "architecture_key = 'unknown'",
        "fidelity_key = 'unknown'",
        "search_id = 'unknown'",
    ],
)
def test_the_database_itself_refuses_nonsense(store: Store, driven: str, add, change: str):
    add(driven, 0)
    with pytest.raises(IntegrityError), store._write() as connection:
        connection.execute(text(f"UPDATE trials SET {change}"))
    assert store.get_trial(driven, 0).status is T.RUNNING


def test_a_trials_row_cannot_be_doubled(store: Store, driven: str, add):
    add(driven, 0)
    names = ", ".join(column.name for column in TrialRow.__table__.columns)
    with pytest.raises(IntegrityError), store._write() as connection:
        connection.execute(text(f"INSERT INTO trials ({names}) SELECT {names} FROM trials"))


def test_largest_values_fit(store: Store, driven: str, spec, cells, measured):
    store.add_trial(driven, 1, Proposal(999_999, cells[0], spec.fidelity, 2**63 - 1))
    store.record_measurement(driven, 999_999, 1, measured(10_000_000, 1.0, train_loss=1e300, class_iou=(None,) * 150))
    assert store.get_trial(driven, 999_999).seed == 2**63 - 1
    assert store.curve(driven, 999_999)[0].train_loss == 1e300
