"""A database of 0.1.0 opens: `data/v0_1_0.sql` was made by that version's own code."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, CalibrationSpec
from nas.store import SearchCost, Stage, Store, StoreError
from nas.store.schema import revisions
from search_spaces import Architecture, AutoDeepLab, DenseCell, ReferenceHead

DUMP = Path(__file__).parent / "data" / "v0_1_0.sql"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """The database of 0.1.0, before it is migrated."""
    path = tmp_path / "segnas.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(DUMP.read_text("utf-8"))
    connection.close()
    with Store.open(f"sqlite:///{path}") as store:
        yield store


@pytest.fixture
def old(opened: Store) -> Store:
    """The same, migrated to this version."""
    opened.migrate()
    opened.check()
    return opened


def by_name(store: Store) -> dict[str, str]:
    return {record.name: record.id for record in store.list_searches().items}


def test_it_is_one_of_0_1_0_that_has_to_be_migrated(opened: Store):
    with pytest.raises(StoreError, match=f"at revision 0002, this version needs {revisions()[0]}"):
        opened.check()
    assert "tokens" in inspect(opened._engine).get_table_names()


def test_every_kind_of_search_is_read(old: Store):
    searches = {record.name: record for record in old.list_searches().items}
    assert Counter(record.kind for record in searches.values()) == {
        "black_box": 3,
        "full_scale": 2,
        "reference": 1,
        "calibration": 1,
        "auto_deeplab": 1,
    }
    cells = searches["cells"]
    assert (cells.status, cells.message, cells.stage) == (
        SearchStatus.STOPPED,
        "stopped on request",
        Stage("trials", 3, 20),
    )
    assert (cells.idempotency_key, cells.request_key) == ("key-of-cells", None)
    assert cells.forecast is not None
    assert cells.software == {"torch": "2.13.0", "segnas": "0.1.0"}
    assert [child.name for child in old.children(cells.id)] == ["cells: full scale", "cells: full scale again"]
    assert searches["waits"].status is SearchStatus.QUEUED


def test_trials_of_every_status_are_read(old: Store):
    ids = by_name(old)
    cells, going = old.all_trials(ids["cells"]), old.all_trials(ids["still running"])
    assert [trial.status for trial in cells] == [
        TrialStatus.COMPLETED,
        TrialStatus.PRUNED,
        TrialStatus.FAILED,
        TrialStatus.COMPLETED,
        TrialStatus.STOPPED,
        TrialStatus.STOPPED,
    ]
    assert [trial.score for trial in cells] == [0.5, 0.25, 0.9, 0.75, 0.95, None]
    assert [(trial.status, trial.attempt) for trial in going] == [(TrialStatus.RUNNING, 2)]
    assert [point.score for point in old.curve(ids["cells"], 3)] == [0.4, 0.75]
    assert cells[2].reason == "the loss is NaN at step 117"
    overview = old.overview(ids["cells"])
    assert overview.best == cells[3]  # 0.95 was measured at an earlier rung, 0.9 failed
    assert overview.cost == SearchCost(2 * 4.0 + 3 * 2.0, 5, 0)


def test_every_kind_of_architecture_is_read_under_its_key(old: Store):
    kinds: Counter[type[Architecture]] = Counter()
    for search_id in by_name(old).values():
        for trial in old.all_trials(search_id):
            assert trial.architecture.key == trial.architecture_key
            kinds[type(trial.architecture)] += 1
    assert kinds == {DenseCell: 19, ReferenceHead: 2, AutoDeepLab: 1}


def test_adopted_trials_and_training_free_scores_are_read(old: Store):
    ids = by_name(old)
    first, again = ids["cells: full scale"], ids["cells: full scale again"]
    assert [trial.source for trial in old.all_trials(again)] == [f"{first}/0", f"{first}/1"]
    assert [trial.score for trial in old.all_trials(again)] == [0.875, 0.625]
    assert old.overview(again).cost == SearchCost(0.0, 0, 2)
    assert old.find_measured(*_content(old, first, 0), "0" * 64) is None  # nobody knows where it was measured
    assert [point.environment for point in old.curve(first, 0)] == [None] * len(old.curve(first, 0))
    calibration = old.get_search(ids["which"]).spec
    assert isinstance(calibration, CalibrationSpec)
    keys = [trial.architecture_key for trial in old.all_trials(ids["which"])]
    scores = old.training_free(keys, calibration.proxies["short"].key, calibration.seed)
    assert {score["parameters"][0] for score in scores.values()} == {1000.0, 1001.0, 1002.0, 1003.0}


def _content(store: Store, search_id: str, number: int) -> tuple[str, str, int]:
    trial = store.get_trial(search_id, number)
    return trial.architecture_key, trial.fidelity_key, trial.seed


def test_snapshots_are_read(old: Store):
    search_id = by_name(old)["trellis"]
    spec = old.get_search(search_id).spec
    assert isinstance(spec, AutoDeepLabSpec)
    records = old.snapshots(search_id)
    assert [(record.run, record.snapshot.epoch) for record in records] == [(0, 1), (0, 2), (1, 1)]
    assert [record.snapshot.stopped_by for record in records] == [None, "skips", None]
    (trial,) = old.all_trials(search_id)
    assert trial.architecture == records[1].architecture
    assert old.overview(search_id).cost.device_seconds == 16.0 + 8.0 + 4.0


def test_a_key_of_0_1_0_still_gives_its_search(old: Store):
    search = old.get_search(by_name(old)["waits"])
    assert old.create_search(search.spec, "key-of-waits", request_key="a" * 64) == (search, False)


def test_it_goes_on_where_it_was(old: Store):
    """The running trial's second attempt measures on, and the next driver takes the queued search."""
    ids = by_name(old)
    (point,) = old.curve(ids["still running"], 0)
    old.record_measurement(ids["still running"], 0, 2, point.model_copy(update={"iteration": 200}))
    old.finish_trial(ids["still running"], 0, 2, TrialStatus.COMPLETED)
    assert old.begin_driver(ids["waits"]) == 1


def test_it_goes_back_with_tables_of_its_own(old: Store):
    before = old.list_searches().items, old.all_trials(by_name(old)["cells"])
    assert old.tokens() == []  # those of 0.1.0 were never used
    old.downgrade("0002")
    assert {column["name"] for column in inspect(old._engine).get_columns("tokens")} >= {"name", "digest"}
    old.migrate()
    assert (old.list_searches().items, old.all_trials(by_name(old)["cells"])) == before
