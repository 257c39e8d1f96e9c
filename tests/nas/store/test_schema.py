"""Migrations: they make the tables of `tables.py`, go down again, and any number of processes may start at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import IntegrityError

from nas.results.snapshot import Snapshot
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import Fidelity
from nas.store import SearchCost, Stage, Store, StoreError
from nas.store.schema import _configuration, revisions
from nas.store.tables import Base
from search_spaces.document import architecture_to_dict
from tests.builders import measured


def test_migrations_make_the_tables_that_the_code_describes(empty_url: str):
    with Store.open(empty_url) as store:
        store.migrate()
        with store._read() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []


def test_migrations_make_every_check_that_the_code_describes(empty_url: str):
    """Autogenerate compares no CHECK constraints, so their names are compared here."""
    with Store.open(empty_url) as store:
        store.migrate()
        inspector = inspect(store._engine)
        for table in Base.metadata.sorted_tables:
            written = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
            found = {str(check["name"]) for check in inspector.get_check_constraints(table.name)}
            assert found == written


def test_checks_read_the_same_in_migrations_and_code(empty_url: str):
    """On the database itself: the CHECKs of created and of migrated tables are the same text."""
    with Store.open(empty_url) as store:
        store.migrate()
        migrated = _checks(store)
        store.downgrade()
        Base.metadata.create_all(store._engine)
        assert _checks(store) == migrated
        assert len(migrated) == 18


def _checks(store: Store) -> dict[str, str]:
    inspector = inspect(store._engine)
    return {
        str(check["name"]): " ".join(check["sqltext"].split())
        for table in Base.metadata.sorted_tables
        for check in inspector.get_check_constraints(table.name)
    }


def test_up_down_and_up_again(empty_url: str, spec):
    with Store.open(empty_url) as store:
        with pytest.raises(StoreError, match="no tables yet"):
            store.check()
        store.migrate()
        store.check()
        store.create_search(spec)
        store.downgrade()
        with pytest.raises(StoreError, match="no tables yet"):
            store.check()
        assert set(inspect(store._engine).get_table_names()) <= {"alembic_version"}
        store.migrate()
        store.check()
        assert store.list_searches().items == ()


def test_rows_of_the_first_revision_stay(empty_url: str, cells, spec, snapshot_at):
    """The tables as revision 0001 made them, filled by hand; upgraded, taken back, upgraded again."""
    cell, fidelity, snapshot = cells[0], spec.fidelity, snapshot_at(10, device_seconds=32.0)
    with Store.open(empty_url) as store:
        with store._migration() as connection:
            command.upgrade(_configuration(connection), "0001")
        with store._write() as connection:
            values = {"cell": cell.key, "fidelity": fidelity.key}
            documents = {
                "architecture": json.dumps(architecture_to_dict(cell)),
                "proxy": fidelity.model_dump_json(),
                "spec": spec.model_dump_json(),
                "snapshot": snapshot.model_dump_json(),
                "older": json.dumps({"name": "no kind yet", "fidelity": {"dataset": "scenes"}}),
            }
            for statement in ROWS_OF_0001:
                connection.execute(text(statement), values | documents)
        for _ in range(2):
            store.migrate()
            _require_rows_of_0001(store, cell.key, fidelity, snapshot)
            store.downgrade("0001")
            assert _revision_of(store) == "0001"
            tables = set(inspect(store._engine).get_table_names())
            assert "training_free" not in tables
            assert "tokens" in tables
        store.migrate()
        # What the new columns promise holds for old rows too.
        with pytest.raises(IntegrityError), store._write() as connection:
            connection.execute(text("UPDATE searches SET parent_id = 'unknown'"))
        with pytest.raises(IntegrityError), store._write() as connection:
            connection.execute(text("UPDATE searches SET kind = NULL"))


def _require_rows_of_0001(store: Store, cell: str, fidelity: Fidelity, snapshot: Snapshot) -> None:
    newest, oldest = store.list_searches().items
    assert (newest.id, newest.kind, newest.parent, newest.forecast, newest.attempt) == (
        "s2",
        "black_box",
        None,
        None,
        3,
    )
    assert (newest.status, newest.stage) == (SearchStatus.RUNNING, Stage("trials", 1, 2))
    assert (oldest.id, oldest.kind, oldest.spec.name) == ("s1", "black_box", "no kind yet")
    assert (oldest.idempotency_key, oldest.finished_at, oldest.software) == ("key", 9.0, {"torch": "2"})
    assert store.list_searches(kind="black_box").items == (newest, oldest)
    trial, running = store.all_trials("s2")
    assert (trial.score, trial.iteration, trial.device_seconds, trial.seed) == (0.5, 300, 8.0, 7)
    assert (trial.parameters, trial.multiply_adds, trial.source) == (None, None, None)
    assert running.status is TrialStatus.RUNNING
    (point,) = store.curve("s2", 0)
    assert (point.class_iou, point.parameters, point.multiply_adds) == ((0.5, None), None, None)
    assert point.environment is None
    assert store.fidelities() == {fidelity.key: fidelity}
    assert store.overview("s2").cost == SearchCost(8.0 + 32.0, 1, 0)
    assert [(record.run, record.snapshot) for record in store.snapshots("s2")] == [(0, snapshot)]


def _revision_of(store: Store) -> str:
    with store._read() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


ROWS_OF_0001 = (
    "INSERT INTO architectures VALUES (:cell, 'dense_cell', :architecture, 1)",
    "INSERT INTO fidelities VALUES (:fidelity, :proxy, 1)",
    """INSERT INTO searches (id, spec, status, attempt, idempotency_key, software, created_at, updated_at, finished_at)
    VALUES ('s1', :older, 'completed', 1, 'key', '{"torch": "2"}', 1, 2, 9)""",
    """INSERT INTO searches (id, spec, status, attempt, stage, created_at, updated_at)
    VALUES ('s2', :spec, 'running', 3, '{"name": "trials", "done": 1, "total": 2}', 2, 3)""",
    """INSERT INTO trials VALUES
    ('s2', 0, :cell, :fidelity, 7, 1, 'completed', 0.5, 300, 4, 8, NULL, 3, 4, 4),
    ('s2', 1, :cell, :fidelity, 8, 2, 'running', NULL, NULL, NULL, NULL, NULL, 3, 4, NULL)""",
    "INSERT INTO measurements VALUES ('s2', 0, 300, 1, 0.5, '[0.5, null]', 1.5, 1.25, 4, 8, 4)",
    "INSERT INTO snapshots VALUES ('s2', 0, 10, :snapshot, 4)",
    "INSERT INTO tokens VALUES ('ci', 'digest', '[]', 1, NULL)",
)


def test_every_revision_keeps_the_kind_that_a_spec_says(empty_url: str):
    with Store.open(empty_url) as store:
        with store._migration() as connection:
            command.upgrade(_configuration(connection), "0001")
        with store._write() as connection:
            for number, spec in enumerate(
                ['{"kind": "auto_deeplab"}', '{"kind": "black_box"}', "{}", '{"kind": null}']
            ):
                statement = "INSERT INTO searches (id, spec, status, attempt, created_at, updated_at)"
                values = {"id": f"s{number}", "spec": spec}
                connection.execute(text(f"{statement} VALUES (:id, :spec, 'queued', 0, 1, 1)"), values)
        store.migrate()
        with store._read() as connection:
            kinds = connection.execute(text("SELECT kind FROM searches ORDER BY id")).scalars().all()
        assert kinds == ["auto_deeplab", "black_box", "black_box", "black_box"]


def test_revision_9_finds_how_far_the_searches_had_come_that_others_start_from(store: Store, spec, add, clock):
    source = store.create_search(spec)[0].id
    store.begin_driver(source)
    for number in range(3):
        add(source, number)
        store.record_measurement(source, number, 1, measured(100, 0.25))
    for number in (0, 1):
        store.finish_trial(source, number, 1, TrialStatus.COMPLETED)
    begun = store.create_search(spec.model_copy(update={"start": ("published", source)}))[0].id
    plain = store.create_search(spec)[0].id
    store.finish_trial(source, 2, 1, TrialStatus.COMPLETED)
    store.downgrade("0008")
    store.migrate()
    assert store.get_search(plain).origins == {}
    assert [trial.number for trial in store.trials_until(source, store.get_search(begun).origins[source])] == [0, 1]


def test_migrating_again_changes_nothing(store: Store, spec):
    search, _ = store.create_search(spec)
    store.migrate()
    store.check()
    assert store.get_search(search.id) == search


def test_a_newer_database_is_refused(store: Store):
    with store._write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=f"revision 9999, this version needs {revisions()[0]}"):
        store.check()
    with pytest.raises(StoreError, match="only a newer version knows"):
        store.migrate()


def test_foreign_keys_are_on_after_a_migration(empty_url: str):
    with Store.open(empty_url) as store:
        store.migrate()
        if store._engine.dialect.name == "sqlite":
            with store._write() as connection:
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_failed_migration_leaves_nothing(empty_url: str):
    """A table of ours is in the way, so the migration fails half-way."""
    with Store.open(empty_url) as store:
        with store._write() as connection:
            connection.execute(text("CREATE TABLE trials (x INTEGER)"))
        with pytest.raises(Exception, match="trials"):
            store.migrate()
        assert inspect(store._engine).get_table_names() == ["trials"]


START = """
import sys
import alembic.command
from nas.specs import Fidelity, BlackBoxSpec
from nas.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    store.migrate()
    store.check()
    record, created = store.create_search(BlackBoxSpec(name="race", fidelity=Fidelity(dataset="scenes")), "key")
    print(record.id, created)
"""


@pytest.mark.slow
def test_processes_that_start_at_once_share_one_database(empty_url: str):
    command = [sys.executable, "-c", START, empty_url]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], answers
    words = [out.split() for out, _ in answers]
    assert len({search for search, _ in words}) == 1
    assert sorted(created for _, created in words) == ["False", "False", "True"]


def test_threads_that_start_at_once_share_one_database(empty_url: str):
    def start(_: int) -> None:
        with Store.open(empty_url) as store:
            store.migrate()
            store.check()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    with Store.open(empty_url) as store:
        assert store.list_searches(SearchStatus.QUEUED).items == ()
