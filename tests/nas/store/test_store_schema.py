"""Migrations: they make the tables of `tables.py`, go down again, and any number of processes may start at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from nas.store import SearchStatus, Store, StoreError
from nas.store.schema import revisions
from nas.store.tables import Base


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
        assert len(migrated) == 14


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
from nas.spec import Fidelity, BlackBoxSpec
from nas.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    store.migrate()
    store.check()
    record, created = store.create_search(BlackBoxSpec(name="race", fidelity=Fidelity(dataset="scenes")), "key")
    print(record.id, created)
"""


def test_processes_that_start_at_once_share_one_database(empty_url: str):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen([sys.executable, "-c", START, empty_url], text=True, **pipes) for _ in range(3)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
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
