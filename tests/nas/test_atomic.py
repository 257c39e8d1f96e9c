"""Files and folders that appear whole or not at all, and are on the disk before they have their names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nas.atomic import write_folder_atomically, write_text_atomically


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


@pytest.fixture
def system_calls(monkeypatch) -> list[tuple[str, str]]:
    """Names of what is written to the disk, and of what is renamed, in order."""
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        calls.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        calls.append(("rename", target.name))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    return calls


def test_a_file_is_on_the_disk_before_its_rename_and_the_name_after(tmp_path, system_calls):
    write_text_atomically(tmp_path / "a", "x")
    temporary = f".a.{os.getpid()}.part"
    assert system_calls == [("sync", temporary), ("rename", "a"), ("sync", tmp_path.name)]


def test_all_files_of_a_folder_are_on_the_disk_before_its_rename(tmp_path, system_calls):
    def write(temporary: Path) -> None:
        (temporary / "below").mkdir()
        for name in ("one", "below/two"):
            (temporary / name).write_text("x")

    write_folder_atomically(tmp_path / "a", write)
    before = sorted(name for call, name in system_calls[:-2] if call == "sync")
    assert before == sorted([f".a.{os.getpid()}.part", "below", "one", "two"])
    assert system_calls[-2:] == [("rename", "a"), ("sync", tmp_path.name)]


@pytest.mark.parametrize(("code", "passes"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.ENOSPC, False)])
def test_a_file_system_without_sync_will_do_but_a_failing_disk_will_not(tmp_path, monkeypatch, code, passes):
    def refuse(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    if passes:
        write_text_atomically(tmp_path / "a", "x")
        assert (tmp_path / "a").read_text() == "x"
    else:
        with pytest.raises(OSError, match="No space left"):
            write_text_atomically(tmp_path / "a", "x")
        assert not list(tmp_path.iterdir())
