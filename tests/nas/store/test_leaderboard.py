"""Reads of trials: pages that nothing shifts, the best one, what changed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from nas.results.status import SearchStatus, TrialStatus
from nas.store import Store, TrialRecord
from nas.store.cursors import encode

STANDING = "ix_trials_search_id_iteration_value_number"
SCANS = ("SCAN trials", "SCAN measurements", "SCAN searches", "SCAN architectures", "SCAN rung_totals")
BY_STATUS = "ix_trials_search_id_status_iteration_value_number"

T = TrialStatus
ORDERS = ("number", "-number", "score", "-score")


def fill(store: Store, search_id: str, add, measured, scores: list[float | None]) -> None:
    """Trials with these scores, None for none yet."""
    for number, score in enumerate(scores):
        add(search_id, number)
        if score is not None:
            store.record_measurement(search_id, number, 1, measured(100, score))


def pages(store: Store, search_id: str, limit: int, **query: Any) -> list[list[TrialRecord]]:
    page = store.list_trials(search_id, limit=limit, **query)
    found = [list(page.items)]
    while page.cursor is not None:
        page = store.list_trials(search_id, limit=limit, cursor=page.cursor, **query)
        found.append(list(page.items))
        assert len(found) <= 100, "the cursor does not move on"
    return found


def expected(trials: list[TrialRecord], order: str) -> list[int]:
    """The order by its definition: those without a score last, ties by number."""
    if order.endswith("number"):
        return sorted((trial.number for trial in trials), reverse=order == "-number")
    sign = -1 if order == "-score" else 1
    key = [(trial.score is None, sign * (trial.score or 0.0), trial.number) for trial in trials]
    return [number for *_, number in sorted(key)]


SCORES = [0.5, None, 0.25, 0.5, 0.0, None, 1.0, 0.5, 0.25, None, 0.125]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_any_size_hold_every_trial_once_in_order(store: Store, driven: str, add, measured, order):
    fill(store, driven, add, measured, SCORES)
    wanted = expected(store.all_trials(driven), order)
    for limit in range(1, len(SCORES) + 2):
        found = pages(store, driven, limit, order_by=order)
        assert [trial.number for trial in itertools.chain(*found)] == wanted
        assert all(len(page) == limit for page in found[:-1])
        assert found[-1], "no empty last page"


def test_the_best_come_first_and_those_without_a_score_last(store: Store, driven: str, add, measured):
    fill(store, driven, add, measured, [0.2, None, 0.9, 0.2])
    assert [trial.number for trial in store.list_trials(driven, "-score").items] == [2, 0, 3, 1]
    assert [trial.number for trial in store.list_trials(driven, "score").items] == [0, 3, 2, 1]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_one_status(store: Store, driven: str, add, measured, order):
    fill(store, driven, add, measured, SCORES)
    for number in (0, 3, 6, 8):
        store.finish_trial(driven, number, 1, T.COMPLETED)
    for status in (T.COMPLETED, T.RUNNING, T.FAILED):
        trials = [trial for trial in store.all_trials(driven) if trial.status is status]
        found = [trial.number for trial in itertools.chain(*pages(store, driven, 2, order_by=order, status=status))]
        assert found == expected(trials, order)


@pytest.mark.parametrize("order", ORDERS)
def test_new_trials_shift_no_page(store: Store, driven: str, add, measured, order):
    """Trials are added and measured between any two pages: those that were there come once each, in order."""
    rng = random.Random(1)
    fill(store, driven, add, measured, SCORES)
    there = expected(store.all_trials(driven), order)
    page = store.list_trials(driven, order, limit=2)
    seen = list(page.items)
    number = len(SCORES)
    while page.cursor is not None and number < 40:
        for score in (rng.random(), rng.choice([0.0, 0.25, 0.5, 1.0]), None):
            add(driven, number)
            if score is not None:
                store.record_measurement(driven, number, 1, measured(100, score))
            number += 1
        page = store.list_trials(driven, order, limit=2, cursor=page.cursor)
        seen += page.items
    while page.cursor is not None:
        page = store.list_trials(driven, order, limit=7, cursor=page.cursor)
        seen += page.items
    assert [trial.number for trial in seen if trial.number < len(SCORES)] == there
    assert len({trial.number for trial in seen}) == len(seen)


def test_bad_pages_are_the_callers_mistake(store: Store, driven: str, add, measured):
    fill(store, driven, add, measured, [0.1, 0.2, None])
    cursor = store.list_trials(driven, "-score", limit=1).cursor
    assert cursor is not None
    for bad in (
        "",
        "?",
        "é",
        "AAAA",
        "bnVsbA",
        cursor[:-2],
        encode("-score", "x", 1),
        encode("-score", 0.1),
        "W" * 5000,
    ):
        with pytest.raises(ValueError, match="cursor is not one"):
            store.list_trials(driven, "-score", cursor=bad)
    with pytest.raises(ValueError, match="cursor is not one"):
        store.list_trials(driven, "score", cursor=cursor)
    for limit in (0, -1, 1001):
        with pytest.raises(ValueError, match="between 1 and 1000"):
            store.list_trials(driven, limit=limit)
    with pytest.raises(ValueError, match="order_by must be"):
        store.list_trials(driven, "text")  # type: ignore[arg-type]  # what the test is about
    assert store.list_trials("s0").items == ()


def best(store: Store, search_id: str) -> int:
    """The number of the best trial, where there must be one."""
    trial = store.best_trial(search_id)
    assert trial is not None
    return trial.number


def test_the_best_trial_is_the_best_of_the_deepest_rung(store: Store, driven: str, add, measured):
    assert store.best_trial(driven) is None
    fill(store, driven, add, measured, [0.9, 0.5, 0.95, None, 0.6])
    assert best(store, driven) == 2
    store.record_measurement(driven, 1, 1, measured(300, 0.55))  # deeper, so it wins in spite of 0.95
    assert best(store, driven) == 1
    store.record_measurement(driven, 4, 1, measured(300, 0.7))
    store.finish_trial(driven, 4, 1, T.COMPLETED)
    assert best(store, driven) == 4
    store.record_measurement(driven, 0, 1, measured(300, 0.99))
    store.finish_trial(driven, 0, 1, T.FAILED, "NaN loss")
    assert best(store, driven) == 4
    store.finish_search(driven, 1, SearchStatus.STOPPED)
    assert best(store, driven) == 4


def test_equal_scores_go_to_the_lower_number(store: Store, driven: str, add, measured):
    fill(store, driven, add, measured, [0.1, 0.5, 0.5])
    assert best(store, driven) == 1


def test_a_stopped_search_still_has_its_best(store: Store, driven: str, add, measured):
    fill(store, driven, add, measured, [0.1, 0.5, None])
    store.finish_search(driven, 1, SearchStatus.STOPPED)
    assert best(store, driven) == 1


@pytest.fixture(scope="module")
def big(migrated_sqlite, tmp_path_factory):
    """An SQLite store with a search of 10,000 trials beside one of 1,000, scores with ties and gaps."""
    path = tmp_path_factory.mktemp("big") / "store.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with Store.open(f"sqlite:///{path}") as store:
        fill_with_many(store)
        yield store


def fill_with_many(store: Store) -> None:
    """Write a search of 10,000 trials beside one of 1,000, scores with ties and gaps."""
    with store._write() as connection:
        connection.execute(text(ARCHITECTURES))
        connection.execute(text("INSERT INTO fidelities VALUES ('f', '{}', 0)"))
        for search, count in (("big", 10_000), ("small", 1_000)):
            connection.execute(
                text(
                    "INSERT INTO searches (id, kind, spec, status, attempt, created_at, updated_at)"
                    " VALUES (:id, 'black_box', '{}', 'running', 1, 0, 0)"
                ),
                {"id": search},
            )
            connection.execute(text(MANY), {"id": search, "count": count})


ARCHITECTURES = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 10000)
INSERT INTO architectures (key, kind, document, created_at) SELECT 'a' || i, 'dense_cell', '{}', 0 FROM n
"""

MANY = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO trials (search_id, number, architecture_key, fidelity_key, seed, attempt, status, score, value,
                    iteration, created_at, updated_at)
SELECT :id, i, 'a' || i, 'f', i, 1, 'running',
       CASE WHEN i % 7 = 0 THEN NULL ELSE (i * 7919 % 1000) / 1000.0 END,
       CASE WHEN i % 7 = 0 THEN NULL ELSE (i * 7919 % 1000) / 1000.0 END, CASE WHEN i % 7 = 0 THEN NULL ELSE 100 END,
       i, i FROM n
"""


def middle(order: str) -> str:
    """The cursor of a page in the middle of the large search."""
    return encode(order, 100, 0.5, 5000)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda store: store.list_trials("big", "-score"), STANDING),
        (lambda store: store.list_trials("big", "score"), STANDING),
        (lambda store: pages(store, "big", 1000, order_by="-score"), STANDING),
        (lambda store: store.list_trials("big", "-number"), "sqlite_autoindex_trials_1"),
        (lambda store: store.best_trial("big"), STANDING),
        (lambda store: store.list_trials("big", "-score", cursor=middle("-score")), STANDING),
        (lambda store: store.list_trials("big", "score", cursor=middle("score")), STANDING),
        (lambda store: store.list_trials("big", "-score", T.PRUNED), BY_STATUS),
        (lambda store: store.list_trials("big", "-score", T.FAILED), "ix_trials_search_id_status_number"),
        (
            lambda store: store.list_trials("big", "-score", cursor=encode("-score", None, None, 7)),
            "ix_trials_search_id",
        ),
        (lambda store: store.changed_trials("big", 9_990), "ix_trials_search_id_sequence"),
        (lambda store: store.trials_of("big", ["a1", "a17"]), "ix_trials_architecture_key_fidelity_key_seed"),
        (lambda store: store.rung_points("big", [1, 17]), "sqlite_autoindex_measurements_1"),
        (lambda store: store.measured_again(["big"]), "ix_trials_architecture_key_fidelity_key_seed"),
        (lambda store: store.trials_at([("big", 17), ("small", 1)]), "sqlite_autoindex_trials_1"),
        (lambda store: store.environments_at([("big", 17, 100)]), "sqlite_autoindex_measurements_1"),
    ],
    ids=[
        "-score",
        "score",
        "all pages",
        "-number",
        "best",
        "-score, from the middle",
        "score, from the middle",
        "-score of a status",
        "-score of the failed",
        "those without a standing",
        "changed",
        "of architectures",
        "rung points",
        "measured again",
        "one trial of each",
        "one environment of each",
    ],
)
def test_at_10_000_trials_every_query_goes_by_its_index(big: Store, query, index: str):
    found = plans(big, query)
    assert any(index in step for plan in found for step in plan), found
    for plan in found:
        assert not any(step.startswith(SCANS) for step in plan), plan
        # Sorting ties within equal scores is fine; sorting the whole search is not.
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda store: store.best_so_far("big", 100), "sqlite_autoindex_trials_1 (search_id=?)"),
        (lambda store: store.sampled_scores("big", 100, 64), "sqlite_autoindex_trials_1 (search_id=?)"),
        (lambda store: store.rung_times(["f"]), "ix_rung_totals_fidelity_key_search_id"),
    ],
    ids=["best so far", "sampled", "rung times"],
)
def test_at_10_000_trials_what_is_sorted_goes_by_an_index_too(big: Store, query, index: str):
    (plan,) = plans(big, query)
    assert any(index in step for step in plan), plan
    assert not any(step.startswith(SCANS) for step in plan), plan


def test_at_10_000_trials_an_overview_goes_by_its_indexes(big: Store):
    counts, runs, best, children, failures = plans(big, lambda store: store.overviews(["big", "small"]))
    assert any("sqlite_autoindex_search_totals_1" in step for step in counts), counts
    assert any(STANDING in step for step in best), best
    for plan in (counts, runs, best):
        assert not any(step.startswith(("SCAN trials", "SCAN snapshots", "SCAN searches")) for step in plan), plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
    assert any("ix_searches_parent_id (" in step for step in children), children
    assert any("sqlite_autoindex_runs_1 (" in step for step in failures), failures


def test_at_10_000_trials_what_was_measured_is_found_by_its_index(big: Store):
    (plan,) = plans(big, lambda store: store.find_measured("a17", "f", 17, "e"))
    assert any("ix_trials_architecture_key_fidelity_key_seed (" in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


def plans(
    store: Store, query: Callable[[Store], Any], explain: str = "EXPLAIN QUERY PLAN", column: int = 3
) -> list[list[str]]:
    """How a database (SQLite, unless told otherwise) goes about each statement of a query."""
    statements = []
    listener = lambda *args: statements.append(args[2:4])  # noqa: E731  (connection, cursor, statement, parameters...)
    event.listen(store._engine, "before_cursor_execute", listener)
    query(store)
    event.remove(store._engine, "before_cursor_execute", listener)
    with store._read() as connection:
        return [
            [row[column] for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
            for statement, parameters in statements
            if not statement.startswith("BEGIN")
        ]


def test_all_pages_of_10_000_trials(big: Store):
    numbers = [trial.number for trial in itertools.chain(*pages(big, "big", 1000, order_by="-score"))]
    assert numbers == expected(big.all_trials("big"), "-score")
