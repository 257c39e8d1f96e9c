"""The driver's entrypoint while the database is away: it waits, and a driver that gives up says so by its exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from nas.store import ConflictError, Store
from workers.driver import record
from workers.driver.__main__ import main
from workers.driver.exit_codes import ExitCode

SEARCH = "s0123456789ab"


@pytest.fixture
def database(tmp_path, monkeypatch):
    """Settings of a driver whose database has no tables yet, as the file that holds it."""
    path = tmp_path / "store.db"
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    monkeypatch.setenv("SEGNAS_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setattr(record, "PATIENCE", (0.05, 0.05))
    return path


def test_a_driver_whose_database_stays_away_says_so(database, caplog):
    database.mkdir()
    assert main([SEARCH, "1"]) == ExitCode.DATABASE_AWAY
    waits = [text for text in caplog.messages if "trying again" in text]
    assert len(waits) == 2
    assert "gives up" in caplog.messages[-1]


def test_a_driver_of_another_version_says_so_and_does_not_wait(database, caplog):
    with Store.open(f"sqlite:///{database}") as store:
        store.migrate()
        store.downgrade("0011")
    assert main([SEARCH, "1"]) == ExitCode.OTHER_VERSION
    assert not [text for text in caplog.messages if "trying again" in text]
    assert "the database is at revision 0011" in caplog.messages[-1]
    assert "the software of this node is not the service's" in caplog.messages[-1]


def test_a_driver_whose_settings_were_broken_meanwhile_says_so(database, caplog):
    """Whoever edits `config.yaml` while a search runs does not fail the search."""
    (database.parent / "config.yaml").write_text("prot: 1")
    assert main([SEARCH, "1"]) == ExitCode.SETTINGS
    assert "did you mean port?" in caplog.messages[-1]
    assert str(database.parent / "config.yaml") in caplog.messages[-1]


@pytest.mark.slow
def test_a_driver_waits_for_its_database(database, monkeypatch):
    """What comes after the wait is the driver's work: it finds no such search, and ends in order."""
    monkeypatch.setattr(record, "PATIENCE", (0.2,) * 100)
    monkeypatch.setattr("workers.driver.__main__._connect", lambda: True)  # the work needs no Ray before it reads

    def migrate() -> None:
        time.sleep(0.5)
        with Store.open(f"sqlite:///{database}") as store:
            store.migrate()

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=migrate)
    thread.start()
    try:
        assert main([SEARCH, "1"]) == ExitCode.OVER
    finally:
        signal.signal(signal.SIGTERM, before)
        thread.join()


def test_an_answer_of_the_store_is_no_absence():
    """Refusals are raised at once; only the class itself means that the database is away."""
    calls = []

    def refuse() -> None:
        calls.append(1)
        raise ConflictError("recorded with other content")

    with pytest.raises(ConflictError):
        record.persist(refuse)
    assert len(calls) == 1


def test_exit_codes_are_those_that_a_shell_and_ray_hand_on():
    assert (ExitCode.OVER, ExitCode.INTERRUPTED) == (0, 143)
    assert all(0 <= code < 256 for code in ExitCode)
    assert not {ExitCode.DATABASE_AWAY, ExitCode.RAY_AWAY, ExitCode.OTHER_VERSION, ExitCode.SETTINGS} & {
        1,
        2,
        126,
        127,
        130,
        137,
        139,
    }  # Python's, the shell's


def test_a_driver_needs_no_torch():
    code = (
        "import pickle, sys, workers.driver.run; from nas.settings import Settings; "
        "from nas.training.workspace import Workspace; pickle.dumps(Workspace.from_settings(Settings())); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
