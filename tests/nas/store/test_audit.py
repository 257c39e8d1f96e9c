"""The audit finds what breaks a rule of the record, and nothing in a record that keeps them."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import pytest
from sqlalchemy import text

from nas.results.status import TrialStatus
from nas.store.audit import Audit
from nas.store.engine import make_engine


@pytest.fixture
def audited(url):
    engine = make_engine(url)
    yield Audit(engine, time.time)
    engine.dispose()


@pytest.fixture
def full(store, driven, add, measured, snapshot_at):
    """The id of a search with trials in every status, a snapshot and curves."""
    for number, status in enumerate((TrialStatus.COMPLETED, TrialStatus.PRUNED, TrialStatus.FAILED, None)):
        add(driven, number)
        store.record_measurement(driven, number, 1, measured(100, 0.5))
        if status is not None:
            store.finish_trial(driven, number, 1, status)
    add(driven, 4)
    store.begin_attempt(driven, 4)
    store.record_measurement(driven, 4, 2, measured(300, 0.25))
    store.record_measurement(driven, 4, 2, measured(100, 0.75))  # a late one of an earlier rung
    store.add_snapshot(driven, 1, 0, snapshot_at(1))
    store.record_deaths(driven, 1, 2, 1)
    return driven


def test_a_record_that_the_store_wrote_keeps_every_rule(audited, full):
    assert list(audited.broken()) == []
    assert audited.counts() == {"searches": 1, "trials": 5, "measurements": 6}
    assert audited.unfinished() == 1


def test_an_empty_record_keeps_every_rule(audited):
    assert list(audited.broken()) == []
    assert audited.unfinished() == 0


CASES = [
    ("UPDATE searches SET status = 'completed'", "searches that are over have no time of their end", "S"),
    ("UPDATE searches SET status = 'completed'", "trials run in searches that are over", "S/3"),
    ("UPDATE searches SET finished_at = 7", "searches that are not over have a time of their end", "S"),
    ("UPDATE searches SET status = 'stopped', lease_owner = 'x'", "searches that are over are leased", "S"),
    ("UPDATE searches SET attempt = 0", "searches run that never had a driver", "S"),
    ("UPDATE searches SET parent_id = 'gone'", "searches have a parent that is not there", "S"),
    ("UPDATE trials SET finished_at = 7 WHERE number = 3", "trials that run have a time of their end", "S/3"),
    ("UPDATE trials SET finished_at = NULL WHERE number = 1", "trials that ended have no time of their end", "S/1"),
    ("DELETE FROM searches", "trials belong to no search", "S/0"),
    ("DELETE FROM searches", "snapshots belong to no search", "S/0/1"),
    ("DELETE FROM searches", "runs belong to no search", "S/2"),
    ("DELETE FROM architectures", "trials name one of the architectures that is not there", "S/0"),
    ("DELETE FROM fidelities", "trials name one of the fidelities that is not there", "S/0"),
    ("DELETE FROM environments", "measurements name an environment that is not there", "S/0/100"),
    ("DELETE FROM trials WHERE number = 2", "measurements belong to no trial", "S/2/100"),
    ("UPDATE trials SET deaths = 1 WHERE number = 2", "trials have more processes that died than attempts", "S/2"),
    (
        "UPDATE measurements SET attempt = 9 WHERE number = 2",
        "measurements are of an attempt that the trial",
        "S/2/100",
    ),
    ("UPDATE trials SET iteration = 100 WHERE number = 4", "measurements are deeper than the rung", "S/4/300"),
    ("UPDATE trials SET score = 0.9 WHERE number = 1", "trials have a score that was not measured", "S/1"),
    ("DELETE FROM measurements WHERE number = 1", "trials have a score that was not measured", "S/1"),
    (
        "UPDATE measurements SET iteration = 200 WHERE number = 0",
        "measurements are at an iteration that is no",
        "S at 200",
    ),
    (
        "UPDATE searches SET spec = replace(spec, '\"trials\": 100', '\"trials\": 4')",
        "searches have more trials than",
        "S",
    ),
    ("UPDATE searches SET spec = '{}'", "documents of searches cannot be read by this version", "S"),
    ("UPDATE searches SET spec = 'cut in the mid'", "documents of searches cannot be read by this version", "S"),
    ("UPDATE architectures SET document = '[]'", "documents of architectures cannot be read by this version", None),
    ("UPDATE fidelities SET document = '{}'", "documents of fidelities cannot be read by this version", None),
    ("UPDATE environments SET document = 'x'", "documents of environments cannot be read by this version", None),
    ("UPDATE snapshots SET payload = '{'", "documents of snapshots cannot be read by this version", "S/0/1"),
    ("UPDATE fidelities SET key = 'other'", "documents of fidelities are stored under the key of others", "other"),
    ("UPDATE environments SET key = 'other'", "documents of environments are stored under the key of", "other"),
    ("UPDATE architectures SET key = 'k' || rowid", "documents of architectures are stored under the key of", "k1"),
]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_what_breaks_a_rule_is_found(url, audited, full, case):
    change, rule, example = case
    # SQLite alone: it can be told to let the change pass.
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(change)
    found = {broken.rule: broken for broken in audited.broken()}
    (name,) = [name for name in found if name.startswith(rule)]
    assert found[name].rows >= len(found[name].examples) >= 1
    if example is not None:
        assert example.replace("S", full, 1) in found[name].examples


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_number_that_is_there_twice_is_found(url, audited, full):
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DROP TRIGGER measurements_added")  # names the table that is dropped
        connection.execute("CREATE TABLE copy AS SELECT * FROM trials")
        connection.execute("DROP TABLE trials")
        connection.execute("ALTER TABLE copy RENAME TO trials")
        connection.execute("INSERT INTO trials SELECT * FROM trials WHERE number = 2")
    assert "trials have a number that another trial of the search has" in [broken.rule for broken in audited.broken()]


def test_the_same_rules_are_checked_on_every_database(store, audited, full):
    """What both databases let pass: foreign keys and conditions hold, only documents are of another form."""
    with store._write() as connection:
        connection.execute(text("UPDATE fidelities SET document = '{\"dataset\": 7}'"))
        connection.execute(text("UPDATE measurements SET attempt = 5, score = 0.125 WHERE number = 1"))
    rules = {broken.rule: broken.examples for broken in audited.broken()}
    assert rules["measurements are of an attempt that the trial never had"] == (f"{full}/1/100",)
    assert rules["trials have a score that was not measured at their rung"] == (f"{full}/1",)
    assert len(rules["documents of fidelities cannot be read by this version"]) == 1
    assert len(rules) == 3
