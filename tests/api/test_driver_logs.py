"""Logs of drivers: Ray's own while it answers, copies afterwards."""

from __future__ import annotations

import pytest

from api.driver_logs import COPY_SECONDS, CUT, KEPT_BYTES, KEPT_DRIVERS, DriverLogs
from tests.api.told_cluster import ToldCluster, Watch
from workers.cluster.jobs import ClusterUnreachable, JobState, job_id

SEARCH = "s0123456789ab"


@pytest.fixture
def cluster():
    told = ToldCluster()
    told.jobs[job_id(SEARCH, 1)] = JobState.running
    return told


@pytest.fixture
def clock():
    return Watch()


@pytest.fixture
def logs(tmp_path, cluster, clock):
    return DriverLogs(tmp_path / "logs", cluster, clock)


def test_ray_is_asked_first_and_the_copy_when_it_is_gone(logs, cluster, tmp_path):
    assert logs.copy(SEARCH, 1)
    assert (tmp_path / "logs" / SEARCH / "1.log").read_text() == cluster.printed
    cluster.printed = "more\n"
    assert logs.text(SEARCH, 1) == "more\n"
    cluster.begin_anew()
    assert logs.text(SEARCH, 1) == "first line\nMemoryError: no more\n"
    cluster.there = False
    assert logs.text(SEARCH, 1) == "first line\nMemoryError: no more\n"
    assert logs.last_lines(SEARCH, 1) == "first line\nMemoryError: no more"
    with pytest.raises(ClusterUnreachable):
        logs.text(SEARCH, 2)
    assert logs.last_lines(SEARCH, 2) == ""


def test_without_a_cluster_there_are_copies(logs, tmp_path):
    logs.copy(SEARCH, 1)
    later = DriverLogs(tmp_path / "logs", None)
    assert "MemoryError" in later.text(SEARCH, 1)
    with pytest.raises(ClusterUnreachable, match="no cluster is configured"):
        later.text(SEARCH, 2)


def test_a_log_that_ray_has_lost_does_not_empty_the_copy(logs, cluster):
    logs.copy(SEARCH, 1)
    cluster.begin_anew()
    assert logs.copy(SEARCH, 1)
    assert "MemoryError" in logs.text(SEARCH, 1)


def test_a_copy_has_a_bounded_size_and_starts_with_a_line(logs, cluster, tmp_path):
    cluster.printed = "".join(f"{number:07d} é\n" for number in range(200_000))
    logs.copy(SEARCH, 1)
    content = (tmp_path / "logs" / SEARCH / "1.log").read_bytes()
    assert len(content) + 12 > KEPT_BYTES
    assert len(content) <= KEPT_BYTES + len(CUT)
    first, *rest = content.decode().splitlines()
    assert first == CUT.strip()
    assert rest[-1] == "0199999 é"
    assert [int(line[:7]) for line in rest] == list(range(200_000 - len(rest), 200_000))


def test_the_last_drivers_of_a_search_are_kept(logs, cluster, tmp_path):
    for attempt in range(1, KEPT_DRIVERS + 4):
        cluster.jobs[job_id(SEARCH, attempt)] = JobState.failed
        logs.copy(SEARCH, attempt)
    kept = {int(path.stem) for path in (tmp_path / "logs" / SEARCH).iterdir()}
    assert kept == set(range(4, KEPT_DRIVERS + 4))


def test_a_running_log_is_copied_now_and_then(logs, cluster, clock, tmp_path):
    path = tmp_path / "logs" / SEARCH / "1.log"
    logs.copy_sometimes(SEARCH, 1)
    clock.now += COPY_SECONDS - 1
    logs.copy_sometimes(SEARCH, 1)
    assert not path.exists()
    clock.now += 1
    logs.copy_sometimes(SEARCH, 1)
    assert path.read_text() == cluster.printed
    cluster.printed = "later\n"
    clock.now += COPY_SECONDS - 1
    logs.copy_sometimes(SEARCH, 1)
    assert path.read_text() != "later\n"
    clock.now += 1
    logs.copy_sometimes(SEARCH, 1)
    assert path.read_text() == "later\n"


def test_a_log_that_is_slow_to_fetch_is_fetched_less_often(logs, cluster, clock):
    fetched = []

    def slowly(job: str) -> str:
        fetched.append(job)
        clock.now += 10
        return "much\n"

    cluster.logs = slowly
    logs.copy_sometimes(SEARCH, 1)
    for _ in range(1000):
        clock.now += 1
        logs.copy_sometimes(SEARCH, 1)
    assert 4 <= len(fetched) <= 1000 * 0.05 / 10 + 2


def test_a_copy_that_cannot_be_made_costs_one_line_in_the_log(tmp_path, cluster, caplog):
    (tmp_path / "logs").write_text("a file where the folder should be")
    logs = DriverLogs(tmp_path / "logs", cluster)
    assert not logs.copy(SEARCH, 1)
    assert not logs.copy(SEARCH, 1)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        f"the log of driver 1 of search {SEARCH} was not copied"
    ]
    assert logs.text(SEARCH, 1) == cluster.printed
