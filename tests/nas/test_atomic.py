"""Files and folders that appear whole or not at all, with processes that are killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.atomic import make_once, write_folder_atomically, write_text_atomically

BUILDER = """
import sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from nas.atomic import make_once
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
def make(temporary):
    (temporary / "half").write_text("x")
    print("begun", flush=True)
    time.sleep(seconds)
    (temporary / "whole").write_text("x")
print("made" if make_once(folder, make) else "found", flush=True)
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

    def make(temporary) -> None:
        (temporary / "whole").write_text("x")

    assert make_once(folder, make)  # the dead process's lock is gone
    assert [file.name for file in folder.iterdir()] == ["whole"]
    assert not left_over.exists()


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


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    folder = tmp_path / "data" / "scenes"

    def write(temporary) -> None:
        (temporary / "first").write_text("x")
        assert not folder.exists() or not any(folder.iterdir())
        (temporary / "second").write_text("x")

    def fail(temporary) -> None:
        write(temporary)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder_atomically(folder, fail)
    assert list(folder.parent.iterdir()) == []
    folder.mkdir()
    write_folder_atomically(folder, write)
    assert sorted(file.name for file in folder.iterdir()) == ["first", "second"]
    with pytest.raises(OSError, match="not empty"):
        write_folder_atomically(folder, lambda temporary: None)
    assert sorted(file.name for file in folder.iterdir()) == ["first", "second"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "report.json"
    write_text_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
