"""Connections: which URLs, how durable, how many statements, what a killed process leaves."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.store import NotFoundError, Store, StoreError
from nas.store.engine import make_engine, parse_url

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_say_postgresql_means_psycopg_3(scheme: str):
    assert parse_url(f"{scheme}://u:p@h:1/d").render_as_string(False) == "postgresql+psycopg://u:p@h:1/d"


@pytest.mark.parametrize(
    "url", ["mysql://secret@h/d", "postgresql+psycopg2://secret@h/d", "sqlite+aiosqlite:///secret"]
)
def test_other_databases_are_refused(url: str):
    with pytest.raises(ValueError, match="is not supported; use sqlite"):
        Store.open(url)


def test_what_is_no_url_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="not of the form") as caught:
        Store.open("u:secret@host")
    assert "secret" not in str(caught.value)


def test_a_database_that_cannot_be_reached_says_so(tmp_path: Path):
    folder = tmp_path / "a-folder.db"
    folder.mkdir()
    for url in ("postgresql://nobody@127.0.0.1:1/nothing", f"sqlite:///{folder}"):
        with Store.open(url) as store:
            for call in (store.check, store.migrate, store.list_searches, partial(store.get_search, "s0")):
                with pytest.raises(StoreError, match="the database cannot be used") as caught:
                    call()
                assert not isinstance(caught.value, NotFoundError)


@pytest.mark.parametrize(("server", "session"), [("off", "on"), ("on", "on"), ("local", "local")])
def test_a_commit_waits_for_the_log_whatever_the_server_says(postgres, server, session):
    name = postgres.create()
    postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = '{server}'")
    engine = make_engine(postgres.url(name))
    try:
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == session
            connection.rollback()  # what is set outlives the transaction in which a connection was opened
            assert connection.scalar(text("SHOW synchronous_commit")) == session
    finally:
        engine.dispose()
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_server_that_takes_no_writes_is_one_that_cannot_be_used(postgres, spec):
    """As a standby is until it is promoted; what it refuses may be tried again."""
    name = postgres.create()
    with Store.open(postgres.url(name)) as store:
        store.migrate()
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with Store.open(postgres.url(name)) as store:
        with pytest.raises(StoreError, match="read-only transaction") as caught:
            store.create_search(spec)
        assert type(caught.value) is StoreError
        store.check()
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="the folder of the database cannot be made"):
        Store.open(f"sqlite:///{tmp_path / 'file' / 'folder' / 'store.db'}")


def test_a_file_that_is_no_database_says_so(tmp_path: Path):
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, and quite a few of them" * 100)
    with Store.open(f"sqlite:///{path}") as store, pytest.raises(StoreError, match="not a database"):
        store.check()
    assert path.read_text().startswith("these are my notes")


def test_a_file_that_is_removed_or_moved_in_use_is_missed_and_found_again(tmp_path: Path, spec):
    """Nothing is written to a file without a name, and no empty one is made in its place."""
    path, elsewhere = tmp_path / "store.db", tmp_path / "moved.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
        search, _ = store.create_search(spec)
        path.rename(elsewhere)
        for call in (store.check, store.list_searches, partial(store.create_search, spec)):
            with pytest.raises(StoreError, match=r"store\.db is gone, although it is in use") as caught:
                call()
            assert type(caught.value) is StoreError
        assert not path.exists()
        elsewhere.rename(path)
        second, _ = store.create_search(spec)
        assert list(store.list_searches().items) == [second, search]
    with Store.open(f"sqlite:///{path}") as store:
        assert list(store.list_searches().items) == [second, search]


def test_a_file_system_without_lasting_numbers_tells_nothing(tmp_path: Path, spec, monkeypatch):
    looks = itertools.count()
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        store.migrate()
        monkeypatch.setattr("nas.store.replaced._identity", lambda _: (1, next(looks)))
        for _ in range(5):
            store.create_search(spec)
        assert len(store.list_searches().items) == 5
    assert next(looks) >= 10


def test_a_file_that_is_replaced_in_use_is_used(tmp_path: Path, spec, caplog):
    """As when an older copy is put back: what is written then is in the file that everybody else opens."""
    path, copy, old = (tmp_path / name for name in ("store.db", "copy.db", "old.db"))
    with Store.open(f"sqlite:///{copy}") as store:
        store.migrate()
        kept, _ = store.create_search(spec)
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
        store.create_search(spec)
        path.rename(old)
        for log in tmp_path.glob("store.db-*"):
            log.unlink()
        copy.rename(path)
        assert list(store.list_searches().items) == [kept]
        second, _ = store.create_search(spec)
        assert [text for text in caplog.messages if "another file stands at" in text] == [
            f"another file stands at {path} now; it is the database from now on"
        ]
    with Store.open(f"sqlite:///{path}") as store:
        assert list(store.list_searches().items) == [second, kept]


def test_the_folder_of_a_new_file_is_made(tmp_path: Path, spec):
    with Store.open(f"sqlite:///{tmp_path / 'new' / 'folder' / 'store.db'}") as store:
        store.migrate()
        store.create_search(spec)
    assert (tmp_path / "new" / "folder" / "store.db").exists()


def test_a_new_file_is_its_owners_alone_and_one_that_is_there_keeps_its_rights(tmp_path: Path, spec):
    path = tmp_path / "home" / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
        store.create_search(spec)
        made = [path, *path.parent.glob("store.db-*")]
        assert len(made) == 3  # and the log of SQLite
        assert {stat.S_IMODE(file.stat().st_mode) for file in made} == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with Store.open(f"sqlite:///{path}") as store:
        store.create_search(spec)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_sqlite_is_durable_as_said(migrated_sqlite: Path):
    with Store.open(f"sqlite:///{migrated_sqlite}") as store, store._read() as connection:
        ask = lambda name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # noqa: E731
        assert (ask("journal_mode"), ask("synchronous"), ask("foreign_keys")) == ("wal", 1, 1)


def test_a_store_in_memory_serves_threads(spec):
    with Store.open("sqlite://") as store:
        store.migrate()
        threads = [threading.Thread(target=store.create_search, args=(spec,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.list_searches().items) == 8


def test_readers_do_not_wait_for_a_writer(store: Store, spec):
    search, _ = store.create_search(spec)
    with store._write() as connection:
        connection.execute(text("UPDATE searches SET attempt = 7"))
        began = time.monotonic()
        assert store.get_search(search.id).attempt == 0
        assert time.monotonic() - began < 5


def test_an_event_of_a_trial_is_at_most_two_statements(
    store: Store, driven: str, spec, cells, add, measured, statements
):
    with statements() as sent:
        add(driven, 0)
    assert len(sent) == 3  # the fidelity, which this process sends once
    events = [
        (2, lambda: add(driven, 1)),
        (1, lambda: store.begin_attempt(driven, 1)),
        (2, lambda: store.begin_attempt(driven, 1, driver_attempt=1)),
        (3, lambda: store.record_measurement(driven, 1, 3, measured(100))),  # and the environment, once
        (2, lambda: store.record_measurement(driven, 1, 3, measured(300))),
        (2, lambda: store.record_measurement(driven, 1, 3, measured(300))),
        (1, lambda: store.finish_trial(driven, 1, 3, TrialStatus.COMPLETED)),
        (1, lambda: store.finish_trial(driven, 0, 1, TrialStatus.FAILED)),
        (1, lambda: store.all_trials(driven)),
        (1, lambda: store.best_trial(driven)),
        (1, lambda: store.find_measured(cells[1].key, spec.fidelity.key, 1, "e")),
        (2, lambda: store.adopt_trial(driven, 1, Proposal(2, cells[1], spec.fidelity, 1), driven, 1)),
        (1, lambda: store.rung_times([spec.fidelity.key])),
        (5, lambda: store.overview(driven)),
    ]
    for expected, call in events:
        with statements() as sent:
            call()
        assert len(sent) == expected, sent


WORK = """
import os, signal, sys
from sqlalchemy import event
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.specs import Fidelity
from nas.store import Store
from nas.results.status import TrialStatus
from search_spaces.dense_cell.space import sample
import random

url, search_id, fatal = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = Store.open(url)
count = 0

@event.listens_for(store._engine, "after_cursor_execute")
def die(connection, cursor, statement, *_):
    global count
    count += not statement.startswith("BEGIN")
    if count == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

fidelity, rng = Fidelity(dataset="scenes"), random.Random(0)
for number in range(100_000):
    store.add_trial(search_id, 1, Proposal(number, sample(3, rng), fidelity, number))
    for iteration in (100, 300):
        store.record_measurement(search_id, number, 1, Measurement(
            iteration=iteration, score=rng.random(), class_iou=(0.5,), train_loss=1.0, val_loss=1.0, seconds=1.0,
            device_seconds=1.0))
    store.finish_trial(search_id, number, 1, TrialStatus.COMPLETED)
    print(number, flush=True)
"""


def _require_consistent(store: Store, search_id: str) -> None:
    """Every trial says what its curve says."""
    curves = store.measurements(search_id)
    for trial in store.all_trials(search_id):
        curve = curves.pop(trial.number, [])
        assert (trial.score, trial.iteration) == ((curve[-1].score, curve[-1].iteration) if curve else (None, None))
        assert trial.status in (TrialStatus.RUNNING, TrialStatus.COMPLETED)
        assert (trial.status is TrialStatus.COMPLETED) <= (len(curve) == 2)
    assert curves == {}


@pytest.mark.parametrize(
    ("fatal", "left"),
    [(3, (0, 0, 0)), (4, (1, 0, 0)), (8, (1, 2, 0)), (12, (2, 2, 1))],
)
def test_a_process_killed_inside_a_transaction_leaves_none_of_it(
    store: Store, url: str, driven: str, fatal: int, left: tuple[int, int, int]
):
    """Killed (signal 9) right after its n-th statement: what is left of trials, points and ends.

    Statements: 1 fidelity, 2 architecture, 3 trial | 4 score, 5 point | 6, 7 again | 8 end | 9 architecture, ...
    """
    done = subprocess.run([sys.executable, "-c", WORK, url, driven, str(fatal)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    _require_consistent(store, driven)
    points = sum(len(curve) for curve in store.measurements(driven).values())
    ends = store.overview(driven).trials[TrialStatus.COMPLETED]
    assert (len(store.all_trials(driven)), points, ends) == left


def test_what_was_acknowledged_survives_a_kill_at_any_time(store: Store, url: str, driven: str):
    command = [sys.executable, "-c", WORK, url, driven, "-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.kill()
        acknowledged += process.stdout.read().splitlines()
    _require_consistent(store, driven)
    completed = {trial.number for trial in store.all_trials(driven) if trial.status is TrialStatus.COMPLETED}
    assert {int(number) for number in acknowledged} <= completed
    if url.startswith("sqlite"):
        raw = sqlite3.connect(url.removeprefix("sqlite:///"))
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        raw.close()


def test_the_store_needs_no_torch_and_no_ray():
    code = "import sys, nas.store; assert not {'torch', 'ray', 'alembic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_further_connection_takes_no_locks_from_the_first(tmp_path, spec):
    """Whoever closes a file loses all of the process's locks on it; another process then removes the log in use."""
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def count() -> str:
        look = "print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM searches').fetchall())"
        command = [sys.executable, "-c", f"import sqlite3, sys; {look}", str(tmp_path / "store.db")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with Store.open(url) as store:
        store.migrate()
        store.create_search(spec)
        with Store.open(url) as other:
            other.check()
            other.create_search(spec)
        assert count() == "[(2,)]\n"
        store.create_search(spec)
        assert (tmp_path / "store.db-wal").exists()
        assert count() == "[(3,)]\n"


def test_a_new_database_can_be_read_by_its_owner_only(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        store.migrate()
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("store.db", 0o600)]
