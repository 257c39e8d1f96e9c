"""Paths that have no place are told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.settings import read_settings
from nas.user_paths import absolute, expanded


def test_what_is_there_and_what_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to("folder")
    assert expanded(Path("~/new"), "it") == tmp_path / "new"
    assert absolute(Path("~/link/new"), "it") == tmp_path.resolve() / "folder" / "new"
    monkeypatch.chdir(tmp_path)
    assert absolute(Path("a"), "it") == tmp_path.resolve() / "a"


def test_links_in_a_circle(tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ValueError, match=r"^the home folder \(SEGNAS_HOME\), \S+, .* links lead in a circle$"):
        _ = read_settings(home=tmp_path / "loop").folder


def test_users_without_a_home_folder(monkeypatch):
    with pytest.raises(ValueError, match="~nobody-of-that-name has no home folder; write it without ~"):
        expanded(Path("~nobody-of-that-name/x"), "it")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("SEGNAS_HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    with pytest.raises(ValueError, match=r"the home folder .* the user of this process has no home folder"):
        read_settings()


def test_a_folder_that_was_removed_under_the_command(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match="was removed"):
        absolute(Path("a"), "it")
    with pytest.raises(ValueError, match="the folder that this command runs in was removed"):
        read_settings()
