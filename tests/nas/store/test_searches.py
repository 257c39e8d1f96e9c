"""Searches: created once, found again, listed."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec, Fidelity, ReferenceSpec
from nas.store import ConflictError, NotFoundError, Stage, Store
from nas.store.cursors import encode

S = SearchStatus


def test_a_new_search_is_queued_and_reads_back_whole(store: Store, spec: BlackBoxSpec):
    made, created = store.create_search(spec)
    assert created
    assert made.id.startswith("s")
    assert len(made.id) == 13
    assert made == store.get_search(made.id)
    assert made.spec == spec
    assert (made.status, made.attempt, made.stage, made.message) == (S.QUEUED, 0, None, None)
    assert (made.started_at, made.finished_at, made.hold_seconds, made.setbacks) == (None, None, None, 0)
    assert made.created_at == made.updated_at


def test_the_same_idempotency_key_meets_the_same_search(store: Store, spec: BlackBoxSpec):
    first, _ = store.create_search(spec, "key")
    again, created = store.create_search(spec, "key")
    assert (again, created) == (first, False)
    other, created = store.create_search(spec, "another")
    assert created
    assert other.id != first.id


def test_a_search_is_found_by_its_key(store: Store, spec: BlackBoxSpec):
    store.create_search(spec)
    made, _ = store.create_search(spec, "key")
    assert store.find_keyed("key") == made
    assert store.find_keyed("another") is None


def test_an_idempotency_key_is_bound_to_its_spec(store: Store, spec: BlackBoxSpec):
    first, _ = store.create_search(spec, "key")
    with pytest.raises(ConflictError, match=first.id):
        store.create_search(spec.model_copy(update={"seed": 1}), "key")
    assert len(store.list_searches().items) == 1


REQUEST, OTHER_REQUEST = "a" * 64, "b" * 64


def test_an_idempotency_key_is_bound_to_its_request(store: Store, spec: BlackBoxSpec):
    """What the request led to may be another spec today: a calibration recommends anew, more trials are scored."""
    first, created = store.create_search(spec, "key", request_key=REQUEST)
    assert (created, first.request_key) == (True, REQUEST)
    derived = spec.model_copy(update={"seed": 1})
    assert store.create_search(derived, "key", parent=None, request_key=REQUEST) == (first, False)
    with pytest.raises(ConflictError, match=f"another request .*{first.id}"):
        store.create_search(spec, "key", request_key=OTHER_REQUEST)
    assert store.get_search(first.id) == first
    assert len(store.list_searches().items) == 1


def test_the_same_request_under_another_key_is_another_search(store: Store, spec: BlackBoxSpec):
    first, _ = store.create_search(spec, "key", request_key=REQUEST)
    for key in ("another", None):
        second, created = store.create_search(spec, key, request_key=REQUEST)
        assert created
        assert second.id != first.id


def test_a_row_without_its_request_is_compared_by_spec_and_parent(store: Store, spec: BlackBoxSpec):
    """Rows of 0.1.0 have none."""
    first, _ = store.create_search(spec, "key")
    assert first.request_key is None
    assert store.create_search(spec, "key", request_key=REQUEST) == (first, False)
    with pytest.raises(ConflictError, match="another spec"):
        store.create_search(spec.model_copy(update={"seed": 1}), "key", request_key=REQUEST)
    with pytest.raises(ConflictError, match="another parent"):
        store.create_search(spec, "key", parent=first.id, request_key=REQUEST)


def test_a_caller_that_names_no_request_is_compared_by_spec(store: Store, spec: BlackBoxSpec):
    first, _ = store.create_search(spec, "key", request_key=REQUEST)
    assert store.create_search(spec, "key") == (first, False)
    with pytest.raises(ConflictError, match="another spec"):
        store.create_search(spec.model_copy(update={"seed": 1}), "key")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "two\nlines"])
def test_an_impossible_idempotency_key_is_the_callers_mistake(store: Store, spec: BlackBoxSpec, key: str):
    with pytest.raises(ValueError, match="1 to 255 printable"):
        store.create_search(spec, key)


def test_without_a_key_every_search_is_new(store: Store, spec: BlackBoxSpec):
    assert store.create_search(spec)[0].id != store.create_search(spec)[0].id


def test_an_unknown_search_is_not_found(store: Store):
    for call in (
        lambda: store.get_search("s0"),
        lambda: store.move_search("s0", [S.QUEUED], S.STOPPED),
        lambda: store.begin_driver("s0"),
        lambda: store.set_stage("s0", 1, Stage("x", 0, 1)),
        lambda: store.finish_search("s0", 1, S.FAILED),
    ):
        with pytest.raises(NotFoundError, match="s0"):
            call()


def test_searches_are_listed_newest_first_in_pages_that_new_ones_do_not_shift(store: Store, spec: BlackBoxSpec):
    ids = [store.create_search(spec)[0].id for _ in range(5)]
    page = store.list_searches(limit=2)
    store.create_search(spec)
    seen = [record.id for record in page.items]
    while page.cursor:
        page = store.list_searches(limit=2, cursor=page.cursor)
        seen += [record.id for record in page.items]
    assert seen == ids[::-1]


def test_searches_of_one_time_are_all_listed(url: str, spec: BlackBoxSpec):
    with Store.open(url, clock=lambda: 5.0) as store:
        ids = {store.create_search(spec)[0].id for _ in range(7)}
        page = store.list_searches(limit=3)
        seen = list(page.items)
        while page.cursor:
            page = store.list_searches(limit=3, cursor=page.cursor)
            seen += page.items
    assert len(seen) == 7
    assert {record.id for record in seen} == ids


def test_searches_are_listed_by_status(store: Store, spec: BlackBoxSpec):
    queued, _ = store.create_search(spec)
    stopped, _ = store.create_search(spec)
    store.move_search(stopped.id, [S.QUEUED], S.STOPPED)
    assert [record.id for record in store.list_searches(S.QUEUED).items] == [queued.id]
    assert [record.id for record in store.list_searches(S.STOPPED).items] == [stopped.id]
    assert store.list_searches(S.FAILED).items == ()


def test_searches_are_listed_by_kind(store: Store, spec: BlackBoxSpec):
    heads = ReferenceSpec(name="heads", fidelity=spec.fidelity)
    made = [store.create_search(one)[0] for one in (spec, heads, spec, heads)]
    assert [record.kind for record in made] == ["black_box", "reference", "black_box", "reference"]
    store.move_search(made[1].id, [S.QUEUED], S.STOPPED)
    page = store.list_searches(limit=1, kind="reference")
    assert page.items == (made[3],)
    page = store.list_searches(limit=1, cursor=page.cursor, kind="reference")
    assert [(record.id, record.spec) for record in page.items] == [(made[1].id, heads)]
    assert page.cursor is None
    assert store.list_searches(S.QUEUED, kind="black_box").items == (made[2], made[0])
    assert store.list_searches(S.STOPPED, kind="black_box").items == ()
    assert store.list_searches(kind="probe").items == ()


def test_children_are_listed_oldest_first(store: Store, spec: BlackBoxSpec):
    parent, other = (store.create_search(spec)[0] for _ in range(2))
    children = [store.create_search(spec, parent=parent.id)[0] for _ in range(3)]
    grandchild, _ = store.create_search(spec, parent=children[0].id)
    assert [child.parent for child in children] == [parent.id] * 3
    assert parent.parent is None
    assert store.children(parent.id) == children
    assert store.children(children[0].id) == [grandchild]
    assert store.children(other.id) == store.children("s0") == []


def test_a_cursor_that_an_older_version_gave_out_is_refused(store: Store, spec: BlackBoxSpec):
    store.create_search(spec)
    with pytest.raises(ValueError, match="leave it out to start at the beginning"):
        store.list_searches(cursor=encode("searches", 1.5e9, "s0123456789ab"))


def test_an_unknown_parent_is_not_found(store: Store, spec: BlackBoxSpec):
    for key in (None, "key"):
        with pytest.raises(NotFoundError, match="no search 's0' to be the parent"):
            store.create_search(spec, key, parent="s0")
    assert store.list_searches().items == ()


def test_an_idempotency_key_is_bound_to_its_parent(store: Store, spec: BlackBoxSpec):
    parent, _ = store.create_search(spec)
    child, _ = store.create_search(spec, "key", parent=parent.id)
    assert store.create_search(spec, "key", parent=parent.id) == (child, False)
    for other in (None, child.id):
        with pytest.raises(ConflictError, match=rf"another parent \(search {child.id}\)"):
            store.create_search(spec, "key", parent=other)
    assert store.children(parent.id) == [child]


def test_the_first_forecast_of_a_search_stays(store: Store, spec: BlackBoxSpec):
    forecast = {"device_seconds": 12.5, "rungs": {"100": 20}, "basis": None}
    made, _ = store.create_search(spec, "key", forecast=forecast)
    assert made.forecast == store.get_search(made.id).forecast == forecast
    assert store.create_search(spec, "key", forecast={"device_seconds": 99.0}) == (made, False)
    without, _ = store.create_search(spec)
    assert without.forecast is None
    with store._read() as connection:  # and it is no JSON null either
        assert connection.execute(text("SELECT count(*) FROM searches WHERE forecast IS NULL")).scalar() == 1


def test_due_searches_are_those_that_are_not_over(store: Store, spec: BlackBoxSpec):
    queued, held, running, over = (store.create_search(spec)[0].id for _ in range(4))
    for search_id in (held, running):
        store.begin_driver(search_id)
    assert store.requeue_search(held, 1, 60.0, "the driver was lost")
    store.move_search(over, [S.QUEUED], S.STOPPED)
    assert [record.id for record in store.due_searches()] == [queued, held, running]


def test_any_valid_name_survives(store: Store):
    spec = BlackBoxSpec(name="Ströme 'x'; -- \N{FIRE} %s :id", fidelity=Fidelity(dataset="scenes"))
    search, _ = store.create_search(spec, "Ünïcode %(x)s")
    assert store.get_search(search.id).spec == spec
    assert search.idempotency_key == "Ünïcode %(x)s"


def test_a_row_of_the_first_version_stays_readable(store: Store, spec: BlackBoxSpec):
    """The spec as version 0.1 wrote it. If this fails, the spec changed in a way that hides users' searches."""
    search, _ = store.create_search(spec)
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE searches SET spec = :spec"), {"spec": ROW_OF_0_1})
    read = store.get_search(search.id).spec
    assert isinstance(read, BlackBoxSpec)
    assert (read.name, read.trials, read.fidelity.rungs) == ("demo", 12, (150, 300))
    assert read.fidelity.backbone.blocks == 5
    assert read.strategy.name == "dpc"


ROW_OF_0_1 = """
{"kind": "black_box", "name": "demo", "space": {"kind": "dense_cell", "branches": 5},
 "strategy": {"name": "dpc", "near_best": 0.5, "pool": 5, "startup": 8},
 "fidelity": {"dataset": "scenes",
  "backbone": {"name": "mobilenet_v2", "width": 0.5, "blocks": 5, "output_stride": 8, "weights": null, "frozen": true,
   "warmup_iterations": 400, "warmup_crop": null},
  "head": {"channels": 32, "dropout": 0.0, "rate_multiplier": 1}, "crop": [128, 256],
  "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": 64,
  "rungs": [150, 300], "batch": 8,
  "optimizer": {"name": "adam", "learning_rate": 0.004, "momentum": 0.9, "weight_decay": 4e-05},
  "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.5, "label_stride": 8,
  "precision": "float32"},
 "trials": 12, "early_stopping": {"reduction": 3.0},
 "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0}
"""
