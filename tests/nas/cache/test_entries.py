"""Cache entries that are made once, by processes that are killed, set aside where broken, held where not written."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nas.cache import entries
from nas.cache.entries import hold, let_go, read_or_make, set_aside
from nas.cache.sealed import BrokenEntryError, MissingEntryError

BUILDER = """
import sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from nas.atomic import write_folder_atomically
from nas.cache.entries import read_or_make
from nas.cache.sealed import MissingEntryError
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
def read():
    if not (folder / "whole").exists():
        raise MissingEntryError
    return "found"
def write(temporary):
    (temporary / "half").write_text("x")
    print("begun", flush=True)
    time.sleep(seconds)
    (temporary / "whole").write_text("x")
def make():
    write_folder_atomically(folder, write)
    return "made"
print(read_or_make(folder, read, make), flush=True)
"""


def start_builder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    script = BUILDER.format(path=sys.path)
    command = [sys.executable, "-c", script, str(folder), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_build_leaves_nothing_half_valid_and_the_next_one_cleans_up(tmp_path):
    folder = tmp_path / "bank"
    victim = start_builder(folder, 60)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "begun\n"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert not folder.exists()
    (left_over,) = tmp_path.glob(".bank.*.part")

    (tmp_path / f".bank.{victim.pid + 1}.part").write_text("a file that a killed process left")
    following = start_builder(folder, 0)
    assert following.communicate()[0] == "begun\nmade\n"  # the dead process's lock is gone
    assert sorted(file.name for file in folder.iterdir()) == ["half", "whole"]
    assert not left_over.exists()
    assert not list(tmp_path.glob(".*.part"))


def test_two_processes_build_once(tmp_path):
    folder = tmp_path / "bank"
    first = start_builder(folder, 0.5)
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    started = time.monotonic()
    second = start_builder(folder, 0.5)
    outputs = [first.communicate()[0], second.communicate()[0]]
    assert outputs == ["made\n", "found\n"]
    assert (folder / "whole").exists()
    assert time.monotonic() - started < 60


def read_text(path: Path) -> str:
    if not path.exists():
        raise MissingEntryError
    text = path.read_text()
    if text != "whole":
        raise BrokenEntryError(f"{path} holds {text!r}")
    return text


def make_text(path: Path, calls: list[str]) -> str:
    calls.append("made")
    path.write_text("whole")
    return "whole"


def test_a_broken_entry_is_named_set_aside_and_made_anew(tmp_path, caplog):
    path = tmp_path / "entry"
    calls: list[str] = []
    for broken in ("half", "other"):
        path.write_text(broken)
        assert read_or_make(path, lambda: read_text(path), lambda: make_text(path, calls)) == "whole"
        assert (tmp_path / "entry.broken").read_text() == broken  # the newest one is kept
    assert calls == ["made", "made"]
    assert f"{path} holds 'half'; it is set aside as entry.broken and made anew" in caplog.text
    assert read_or_make(path, lambda: read_text(path), lambda: make_text(path, calls)) == "whole"
    assert len(calls) == 2


def test_a_folder_in_the_place_of_a_file_is_set_aside(tmp_path):
    path = tmp_path / "entry"
    for _ in range(2):
        (path / "below").mkdir(parents=True)
        set_aside(path, "it is a folder")
        assert (tmp_path / "entry.broken" / "below").is_dir()
    assert not path.exists()


def test_few_broken_bytes_are_kept_and_the_newest_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "BROKEN_BYTES", 250)
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"x" * 100)
        set_aside(tmp_path / str(number), "broken")
        time.sleep(0.01)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.broken", "3.broken"]


def test_an_entry_that_cannot_be_written_is_made_once_and_held(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    path = tmp_path / "cache" / "entry"
    made = []

    def make() -> object:
        made.append(object())
        return hold(path, made[-1])

    with caplog.at_level(logging.WARNING):
        one = read_or_make(path, lambda: read_text(path), make)
        assert read_or_make(path, lambda: read_text(path), make) is one
    assert len(made) == 1
    let_go(path)
    assert read_or_make(path, lambda: read_text(path), make) is not one
    let_go(path)
