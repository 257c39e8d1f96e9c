"""Counts of what became of asking for cache entries, which many processes add to."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.cache import tally
from nas.cache.documents import made_once
from nas.cache.entries import let_go
from nas.cache.tally import FOLDERS, OUTCOMES, TALLY, count, read_tally


def told(cache: Path) -> dict[str, int]:
    """The counts that are not zero."""
    found = read_tally(cache)
    assert found is not None
    return {f"{folder} {outcome}": number for (folder, outcome), number in found.items() if number}


def test_an_entry_is_made_then_found_then_broken_and_made_anew(tmp_path):
    entry = tmp_path / "statistics" / "key.json"
    assert read_tally(tmp_path / "elsewhere") is None
    assert read_tally(tmp_path) == {(folder, outcome): 0 for folder in FOLDERS for outcome in OUTCOMES}
    for _ in range(3):
        made_once(entry, lambda: {"a": 1})
    assert told(tmp_path) == {"statistics made": 1, "statistics hit": 2}
    entry.write_text(entry.read_text().replace("1", "2", 1))
    assert made_once(entry, lambda: {"a": 1}) == {"a": 1}
    assert told(tmp_path) == {"statistics made": 2, "statistics hit": 2, "statistics broken": 1}


def test_what_is_no_entry_of_a_cache_is_not_counted(tmp_path):
    made_once(tmp_path / "elsewhere" / "key.json", lambda: {"a": 1})
    assert not (tmp_path / TALLY).exists()


def test_processes_count_together(tmp_path):
    (tmp_path / "banks").mkdir()
    program = (
        "import sys; from pathlib import Path; from nas.cache.tally import count\n"
        "for _ in range(200): count(Path(sys.argv[1]) / 'banks' / 'key', 'hit')"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, env={"PYTHONPATH": ":".join(sys.path)}) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    counted = told(tmp_path)["banks hit"]
    assert counted == 600


def test_damaged_counts_begin_anew(tmp_path):
    entry = tmp_path / "banks" / "key"
    for content in ("", "{", "[1]", '{"banks hit": "many"}'):
        (tmp_path / TALLY).write_text(content)
        assert told(tmp_path) == {}
        count(entry, "hit")
        assert told(tmp_path) == {"banks hit": 1}, content
        (tmp_path / TALLY).unlink()


def test_counting_never_waits_long_nor_fails(tmp_path, monkeypatch):
    entry = tmp_path / "banks" / "key"
    count(entry, "hit")
    monkeypatch.setattr(tally, "TRIES", 5)
    with (tmp_path / TALLY).open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = time.monotonic()
        count(entry, "hit")
        assert time.monotonic() - began < 5
    assert json.loads((tmp_path / TALLY).read_text()) == {"banks hit": 1}
    count(tmp_path / "nowhere" / "banks" / "key", "hit")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_not_counted(tmp_path):
    tmp_path.chmod(0o500)
    count(tmp_path / "banks" / "key", "hit")
    tmp_path.chmod(0o700)
    assert told(tmp_path) == {}


def test_an_entry_in_memory_counts_as_made(tmp_path):
    (tmp_path / "statistics").write_text("no folder")  # nothing can be written below it
    entry = tmp_path / "statistics" / "key.json"
    try:
        made_once(entry, lambda: {"a": 1})
        made_once(entry, lambda: {"a": 2})
    finally:
        let_go(entry)
    assert told(tmp_path) == {"statistics made": 1}
