"""How PostgreSQL goes about reading trials of a large search: by an index in its order, never through all trials."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, text

from nas.results.status import TrialStatus
from nas.store import Store
from tests.nas.store.test_leaderboard import ARCHITECTURES, MANY, middle

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

STANDING = "ix_trials_search_id_iteration_score_number"


@pytest.fixture(scope="module")
def large(postgres):
    """A store with a search of 10,000 trials beside one of 1,000, scores with ties and gaps, with statistics."""
    with Store.open(postgres.url(postgres.create())) as store:
        store.migrate()
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
        with store._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        yield store


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda store: store.list_trials("big", "-score"), STANDING),
        (lambda store: store.list_trials("big", "score"), STANDING),
        (lambda store: store.list_trials("big", "-score", cursor=middle("-score")), STANDING),
        (lambda store: store.list_trials("big", "-score", status=TrialStatus.RUNNING), STANDING),  # as all of them are
        (lambda store: store.list_trials("big", "-number"), "pk_trials"),
        (lambda store: store.best_trial("big"), STANDING),
        (lambda store: store.overviews(["big", "small"]), STANDING),
        (lambda store: store.trials_of("big", ["a1", "a17"]), "ix_trials_architecture_key_fidelity_key_seed"),
    ],
    ids=["-score", "score", "from the middle", "of a status", "-number", "best", "overviews", "of architectures"],
)
def test_at_10_000_trials_every_query_goes_by_its_index(large: Store, query, index: str):
    found = plans(large, query)
    assert any(index in step for plan in found for step in plan), "\n".join(step for plan in found for step in plan)
    for plan in found:
        # Not "trials trials_1": whether an unjudged trial holds its own is asked of few rows.
        assert not any("Seq Scan on trials  (" in step for step in plan), plan
        # Sorting ties within equal scores ("Incremental Sort") is fine; sorting the whole search is not.
        for above, below in pairwise(plan):
            assert not (above.strip("-> ").startswith("Sort  (") and "trials.score" in below), plan


def plans(store: Store, query: Callable[[Store], Any]) -> list[list[str]]:
    """How PostgreSQL goes about each statement of a query."""
    statements = []
    listener = lambda *args: statements.append(args[2:4])  # noqa: E731  (connection, cursor, statement, parameters...)
    event.listen(store._engine, "before_cursor_execute", listener)
    query(store)
    event.remove(store._engine, "before_cursor_execute", listener)
    with store._read() as connection:
        return [
            [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
            for statement, parameters in statements
            if statement.startswith("SELECT")
        ]
