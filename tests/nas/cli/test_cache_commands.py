"""`segnas cache ls|verify|prune` on caches with banks and documents, some of them in use by another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from nas.atomic import locked
from nas.cache.documents import made_once
from nas.cache.sealed import FILES, file_entry, sealed
from nas.cli.cache import size_text
from nas.data.rows import FolderRows

DAY = 86400

USER = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from nas.cache.use import mark_in_use
mark_in_use(Path(sys.argv[1]))
print("in use", flush=True)
sys.stdin.read()
"""


def bank(cache: Path, name: str, rows: int = 100) -> Path:
    folder = cache / "banks" / (name * 64)
    folder.mkdir(parents=True)
    with FolderRows(folder) as files:
        files.append("train_labels", np.zeros((rows, 10), np.uint8), rows)
        files.close()
    (folder / "report.json").write_text(sealed({"about": f"bank {name}", FILES: files.written}))
    return folder


def backbone(cache: Path, name: str) -> Path:
    path = cache / "backbones" / f"{name * 64}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.with_suffix(".json").write_text(sealed({"about": "small", FILES: {path.name: file_entry(3, sha256)}}))
    return path


def age(path: Path, days: float) -> None:
    for file in (path, path.with_name(path.name + ".lock")):
        if file.exists():
            os.utime(file, (time.time() - days * DAY,) * 2)


@pytest.fixture
def cache(tmp_path) -> Path:
    """A cache in the home folder: two banks, a backbone and two documents, used 40, 20, 10, 1 and 0 days ago."""
    cache = tmp_path / "home" / "cache"
    age(bank(cache, "a", 300), 40)
    age(bank(cache, "b", 200), 20)
    age(backbone(cache, "c"), 10)
    for name, days in (("d" * 64, 1), (f"{'e' * 64}-labels", 0)):
        path = cache / "statistics" / f"{name}.json"
        made_once(path, partial(dict, about=name[0], mean=[1.0]))
        age(path, days)
    return cache


@pytest.fixture
def segnas(command_at):
    return command_at("http://127.0.0.1:1")


@pytest.fixture
def user():
    """Starts a process that uses an entry."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> None:
        command = [sys.executable, "-c", USER.format(path=sys.path), str(path)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "in use\n"

    yield start
    for process in started:
        process.communicate()


def names(cache: Path) -> set[str]:
    found = (path for folder in ("banks", "backbones", "statistics") for path in (cache / folder).iterdir())
    return {path.name[0] for path in found if not path.name.endswith(".lock")}


def test_the_list_says_what_is_there(segnas, cache, user):
    user(cache / "banks" / ("b" * 64))
    code, out, _ = segnas("cache", "ls")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert [row[0] for row in rows[1:-1]] == [
        *(f"{folder}/{name * 12}" for folder, name in (("statistics", "e"), ("statistics", "d"), ("backbones", "c"))),
        "banks/bbbbbbbbbbbb",
        "banks/aaaaaaaaaaaa",
    ]
    assert rows[4][1:3] == ["feature", "bank"]
    assert "in use  bank b" in out
    assert out.count("in use") == 1
    listed = json.loads(segnas("cache", "ls", "--json")[1])
    assert listed[4]["size"] == sum(file.stat().st_size for file in (cache / "banks" / ("a" * 64)).iterdir())
    assert listed[2]["about"] == "small"


def test_an_empty_cache(segnas, tmp_path):
    assert "0 B in" in segnas("cache", "ls")[1]
    assert segnas("cache", "verify")[1] == "0 entries with 0 B read, 0 broken\n"
    assert segnas("cache", "prune")[1] == "0 B are freed\n"
    code, _, err = segnas("cache", "ls", "--cache", tmp_path / "nowhere")
    assert (code, err) == (2, f"segnas: --cache {tmp_path / 'nowhere'} is no folder\n")


def test_verify_names_what_is_broken_and_sets_it_aside(segnas, cache):
    assert segnas("cache", "verify")[0] == 0
    labels = cache / "banks" / ("a" * 64) / "train_labels.npy"
    labels.write_bytes(bytes(labels.stat().st_size))
    (cache / "backbones" / f"{'c' * 64}.json").unlink()
    code, out, _ = segnas("cache", "verify")
    assert code == 1
    assert f"banks/aaaaaaaaaaaa (feature bank) is broken: {labels} has changed since it was written" in out
    assert "backbones/cccccccccccc (backbone) is broken" in out
    assert "5 entries" in out.splitlines()[-1]
    assert not labels.exists()
    assert segnas("cache", "verify")[0] == 0
    assert segnas("cache", "ls")[1].count("set aside") == 2


def test_prune_removes_what_is_long_unused(segnas, cache):
    code, out, _ = segnas("cache", "prune", "--dry-run")
    assert code == 0
    assert out.startswith("banks/aaaaaaaaaaaa")
    assert out.splitlines()[-1].endswith("would be freed")
    assert names(cache) == set("abcde")
    assert segnas("cache", "prune")[0] == 0
    assert names(cache) == set("bcde")
    assert segnas("cache", "prune", "--unused-for", 5)[0] == 0
    assert names(cache) == set("de")


def test_prune_keeps_what_was_used_last_up_to_a_size(segnas, cache):
    sizes = [entry["size"] for entry in json.loads(segnas("cache", "ls", "--json")[1])]
    assert segnas("cache", "prune", "--unused-for", 100, "--size", sum(sizes[:4]))[0] == 0
    assert names(cache) == set("bcde")
    assert segnas("cache", "prune", "--size", "0 kB")[0] == 0
    assert names(cache) == set()
    code, _, err = segnas("cache", "prune", "--size", "much")
    assert code == 2
    assert "'much' is no size" in err


def test_prune_leaves_alone_what_is_used_or_made(segnas, cache, user):
    user(cache / "banks" / ("a" * 64))
    made = cache / "banks" / ("f" * 64)
    (cache / "banks" / f".{made.name}.123.part").mkdir()
    with locked(made):  # as a process that makes it
        assert segnas("cache", "prune", "--unused-for", 0)[0] == 0
        assert names(cache) == {"a", "."}
    assert segnas("cache", "prune", "--unused-for", 0)[0] == 0
    assert names(cache) == {"a"}


def test_prune_removes_what_is_set_aside_and_notes_of_earlier_starts(segnas, cache):
    (cache / "banks" / ("b" * 64)).replace(cache / "banks" / f"{'b' * 64}.broken")
    (cache / "checked" / "an earlier start").mkdir(parents=True)
    assert segnas("cache", "prune", "--unused-for", 100)[0] == 0
    assert names(cache) == set("acde")
    assert not list((cache / "checked").iterdir())


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (17_400_000, "17.4 MB"), (2**40, "1.1 TB")])
def test_sizes_in_words(size, text):
    assert size_text(size) == text
