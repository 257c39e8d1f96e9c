import errno
import logging
import os
import tempfile
from pathlib import Path

import pytest

from nas import aids
from nas.aids import aid, reason_of, writable_folder


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch) -> None:
    monkeypatch.setattr(aids, "_said", set())


CODES = [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.ENAMETOOLONG, errno.ENOENT, errno.EIO]


@pytest.mark.parametrize("code", CODES)
def test_a_failure_of_the_disk_costs_the_aid_and_one_sentence(caplog, code):
    for _ in range(3):
        with aid("picture", Path("a.png"), "the network is saved without it"):
            raise OSError(code, os.strerror(code))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    reason = os.strerror(code)
    assert record.getMessage() == f"picture a.png cannot be written ({reason}): the network is saved without it"


def test_other_failures_are_not_aids(caplog):
    with pytest.raises(KeyError), aid("picture", Path("a.png"), "without"):
        raise KeyError
    with aid("picture", Path("a.png"), "without"):
        raise OSError(errno.ENOSPC, "full")
    with aid("checkpoint", Path("a.pt"), "without"):
        raise OSError(errno.ENOSPC, "full")
    assert len(caplog.records) == 2  # each kind of aid has its sentence


def test_a_reason_without_a_number():
    assert reason_of(OSError("the disk is on fire")) == "the disk is on fire"
    assert reason_of(TimeoutError()) == "TimeoutError"


def test_a_scratch_folder_is_made_where_it_can_be(tmp_path, caplog, monkeypatch):
    assert writable_folder(tmp_path / "a" / "b", "scratch folder") == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    instead = writable_folder(tmp_path / "file" / "b", "scratch folder")
    assert instead.parent == tmp_path
    assert instead.is_dir()
    assert f"{tmp_path / 'file' / 'b'} cannot be written (Not a directory): {instead} is used" in caplog.text
