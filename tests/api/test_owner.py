"""One service for each home folder, by a lock that dies with its process."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.owner import HomeTakenError, make_private, own
from nas.client.address import LOCK_FILE

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from api.owner import own
with own(Path(sys.argv[1])) as held:
    held.announce("http://127.0.0.1:1234")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_was_first(tmp_path):
    home = tmp_path / "new" / "home"
    with own(home) as first:
        first.announce("http://127.0.0.1:8000")
        with pytest.raises(HomeTakenError) as refused, own(home):
            pass
        said = str(refused.value)
        assert f"process {os.getpid()}, at http://127.0.0.1:8000, since 20" in said
        assert str(home) in said
        with own(tmp_path / "another"):
            pass
    with own(home):
        pass


def test_a_new_home_and_its_files_are_their_owners_alone(tmp_path):
    home = tmp_path / "home"
    with own(home):
        assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / LOCK_FILE)] == [0o700, 0o600]


def test_the_database_of_an_older_version_becomes_private_and_a_shared_folder_stays(tmp_path):
    tmp_path.chmod(0o755)
    for name in ("segnas.db", "segnas.db-wal", "config.yaml"):
        (tmp_path / name).touch(mode=0o644)
        (tmp_path / name).chmod(0o644)
    make_private(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, *tmp_path.iterdir())}
    assert modes == {tmp_path.name: 0o755, "segnas.db": 0o600, "segnas.db-wal": 0o600, "config.yaml": 0o644}


def test_before_the_first_has_said_who_it_is(tmp_path):
    (tmp_path / LOCK_FILE).write_text('{"pid": 1, "host": "of one that died')
    with own(tmp_path), pytest.raises(HomeTakenError, match=r"another service runs on the home folder"), own(tmp_path):
        pass


def test_a_service_that_is_refused_does_not_erase_who_holds_the_folder(tmp_path):
    with own(tmp_path) as first:
        first.announce("http://127.0.0.1:8000")
        for _ in range(2):
            with pytest.raises(HomeTakenError, match=r"at http://127\.0\.0\.1:8000"), own(tmp_path):
                pass


@pytest.mark.slow
def test_a_killed_holder_holds_nothing_though_its_children_live(tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(HomeTakenError, match=f"process {holder.pid}, at http://127.0.0.1:1234"), own(tmp_path):
            pass
        holder.kill()
        holder.wait()
        os.kill(child, 0)
        with own(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        os.kill(child, signal.SIGKILL)
