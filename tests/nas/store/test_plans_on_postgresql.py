"""How PostgreSQL goes about reading trials of a large search: by an index in its order, never through all trials."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import text

from nas.results.status import TrialStatus
from nas.store import Store
from tests.nas.store.test_leaderboard import fill_with_many, middle, plans

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

STANDING = "ix_trials_search_id_iteration_value_number"


@pytest.fixture(scope="module")
def large(postgres):
    """A store with a search of 10,000 trials beside one of 1,000, scores with ties and gaps, with statistics."""
    with Store.open(postgres.url(postgres.create())) as store:
        store.migrate()
        fill_with_many(store)
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
        (lambda store: store.trials_at([("big", 17), ("small", 1)]), "pk_trials"),
    ],
    ids=["-score", "score", "from the middle", "of a status", "-number", "best", "overviews", "of architectures", "at"],
)
def test_at_10_000_trials_every_query_goes_by_its_index(large: Store, query, index: str):
    found = plans(large, query, "EXPLAIN", 0)
    assert any(index in step for plan in found for step in plan), "\n".join(step for plan in found for step in plan)
    for plan in found:
        # Not "trials trials_1": whether an unjudged trial holds its own is asked of few rows.
        assert not any("Seq Scan on trials  (" in step for step in plan), plan
        # Sorting ties within equal scores ("Incremental Sort") is fine; sorting the whole search is not.
        for above, below in pairwise(plan):
            assert not (above.strip("-> ").startswith("Sort  (") and "trials.value" in below), plan
