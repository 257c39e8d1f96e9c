"""An installation is examined part by part, and what is wrong is told with its name."""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
from pathlib import Path

import pytest

from nas.doctor import Finding, Level, examine
from nas.doctor import machine as machine_module
from nas.store import Store


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("SEGNAS_HOME", str(folder))
    monkeypatch.setenv("SEGNAS_URL", "http://127.0.0.1:9")
    return folder


def found(part: str | None = None, level: Level | None = None) -> list[str]:
    return [f.message for f in examine() if part in (None, f.part) and level in (None, f.level)]


def test_nothing_is_wrong_with_a_new_home(home):
    assert found(level=Level.WRONG) == []
    (database,) = found("database", Level.NOTE)
    assert database.endswith("is not there yet: segnas serve makes it")
    assert not list(home.iterdir()), "the doctor leaves everything as it is"


def test_a_home_into_which_others_can_look_is_told(home):
    home.chmod(0o755)
    assert found("home", Level.NOTE) == [f"others on this machine can look into {home}: chmod 700 {home}"]
    home.chmod(0o700)
    assert found("home", Level.NOTE) == []


def test_a_home_that_is_not_there_is_not_made(home):
    home.rmdir()
    assert "is not there yet" in found("home", Level.NOTE)[0]
    assert not home.exists()


def test_a_running_service_and_its_record(service, monkeypatch):
    monkeypatch.setenv("SEGNAS_HOME", str(service.settings.home))
    monkeypatch.setenv("SEGNAS_URL", service.url)
    search = service.search()
    service.trial(search, 0, 0.25)
    assert f"answers at {service.url}" in found("service", Level.OK)[0]
    assert found("service", Level.WRONG) == ["ray: no cluster is configured"]
    assert found("database", Level.OK)[0].endswith("1 searches, 1 trials, 1 measurements")
    assert found("record") == ["every rule holds"]


def test_wrong_settings_are_told_and_nothing_else(home):
    (home / "config.yaml").write_text("prot: 1")
    assert "did you mean port?" in found(level=Level.WRONG)[0]
    assert found("database") == []


def test_a_home_that_has_no_place_or_cannot_be_looked_at(home, monkeypatch):
    def closed(folder: Path) -> Finding:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(machine_module, "_room", closed)
    assert found("home", Level.WRONG) == [f"cannot be examined: {home}: Permission denied"]
    assert found("database"), "the parts after it are examined"
    home.rmdir()
    home.symlink_to(home.name)
    assert [message for message in found("settings") if "links lead in a circle" in message]


def test_a_home_that_cannot_be_used(home, monkeypatch):
    monkeypatch.setattr(machine_module, "LEAST_BYTES", 1 << 62)
    assert "GiB free for" in found("home", Level.WRONG)[0]
    home.rmdir()
    home.write_text("a file")
    assert found(level=Level.WRONG) == [f"{home} is not a folder: set SEGNAS_HOME to one"]


def test_registrations_that_are_broken_or_elsewhere(home):
    for folder, name, text in (
        ("datasets", "broken", "layout: ["),
        ("datasets", "gone", "{layout: voc2012, root: /not/here}"),
        ("datasets", "near", "{layout: voc2012, root: ..}"),
        ("weights", "nobody", "~nobody-of-this-name/w.pth"),
    ):
        (home / folder).mkdir(exist_ok=True)
        (home / folder / f"{name}.yaml").write_text(text)
    assert "broken: " in found("data sets", Level.WRONG)[0]
    assert found("data sets", Level.NOTE) == ["gone: /not/here is not on this machine"]
    assert found("data sets", Level.OK) == ["on this machine: near"]
    assert "nobody: " in found("weights", Level.WRONG)[0]


def test_registrations_that_cannot_be_read(home):
    (home / "datasets").write_text("a file")
    assert found("data sets", Level.WRONG) == ["datasets of the home folder cannot be read: Not a directory"]


def test_a_database_that_is_broken_or_of_another_version(home):
    file = home / "segnas.db"
    file.write_bytes(b"no database, but a text of more than a hundred bytes" * 40)
    assert "the database cannot be used" in found("database", Level.WRONG)[0]
    file.unlink()
    sqlite3.connect(file).close()
    file.write_bytes(b"")
    assert "the database has no tables yet" in found("database", Level.WRONG)[0]
    for leftover in home.glob("segnas.db*"):
        leftover.unlink()
    with Store.open(f"sqlite:///{file}") as store:
        store.migrate()
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "is at revision 9999" in found("database", Level.WRONG)[0]


def test_a_broken_record_is_told_with_ids(home):
    from nas.specs import BlackBoxSpec, Fidelity

    with Store.open(f"sqlite:///{home / 'segnas.db'}") as store:
        store.migrate()
        search, _ = store.create_search(BlackBoxSpec(name="x", fidelity=Fidelity(dataset="scenes")))
    assert found("record", Level.NOTE) == ["1 search is not over, and no service answers that works on them"]
    with contextlib.closing(sqlite3.connect(home / "segnas.db")) as connection, connection:
        connection.execute("UPDATE searches SET parent_id = 'gone'")
    assert found("record", Level.WRONG) == [f"1 searches have a parent that is not there: {search.id}"]


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "nonsense"])
def test_a_database_of_another_kind(home, monkeypatch, url):
    monkeypatch.setenv("SEGNAS_DATABASE_URL", url)
    (sentence,) = found("database", Level.WRONG)
    assert "secret" not in sentence


def test_files_left_over_by_a_killed_service(home, monkeypatch):
    monkeypatch.delenv("SEGNAS_URL")
    (home / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": 1}))
    notes = found("service", Level.NOTE)
    assert "no service answers at http://127.0.0.1:9" in notes[0]
    assert "server.json is left over" in notes[1]
    (home / "ray").mkdir()
    for broken in ("", "{", "[]", '{"dashboard_url": 7}', '{"dashboard_url": "http://127.0.0.1:9"}'):
        (home / "ray" / "cluster.json").write_text(broken)
        assert found("Ray", Level.WRONG) == []
    monkeypatch.setenv("SEGNAS_RAY_DASHBOARD", "http://127.0.0.1:9")
    assert found("Ray", Level.WRONG) == ["no dashboard answers at http://127.0.0.1:9, so no search can run"]


def test_extras_that_are_missing_are_named(home, monkeypatch):
    monkeypatch.setattr(machine_module, "EXTRAS", {"moon": ("not_a_package_at_all", "json")})
    assert found("versions", Level.NOTE) == [
        "not_a_package_at_all not installed: pip install 'segnas[moon]' where it is needed"
    ]


def test_every_extra_is_one_that_can_be_installed():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    extras = set(project["project"]["optional-dependencies"]) - {"dev", "docs", "backbones"}
    assert set(machine_module.EXTRAS) == extras
