"""Jobs of a real cluster, over HTTP: the way of a search from submission to its end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AugmentSpec, BackboneSpec, CellLimit, DenseCellSpace, Fidelity, HeadSpec, Resources
from nas.store import Store
from nas.store.tables import SearchRow
from search_spaces.dense_cell.architecture import DenseCell
from workers.cluster import processes
from workers.cluster.health import PARTS
from workers.cluster.jobs import Cluster, ClusterUnreachable, JobEnd, JobState, job_id, without_dumps
from workers.driver.exit_codes import ExitCode

NOBODY = "s000000000000"

TINY = Fidelity(
    dataset="tiny",
    backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=2),
    head=HeadSpec(channels=4, dropout=0.0, rate_multiplier=1),
    crop=(64, 128),
    augment=AugmentSpec(scale=(1.0, 1.0)),
    rungs=(2, 4),
    batch=4,
    label_stride=8,
)


@pytest.fixture
def cluster(running_ray) -> Iterator[Cluster]:
    with Cluster(running_ray.local.dashboard_url, running_ray.local.token) as opened:
        yield opened


@pytest.fixture
def service_store(running_ray) -> Iterator[Store]:
    """The store that the jobs use."""
    with Store.open(running_ray.settings.store_url) as opened:
        opened.migrate()
        yield opened


def submit(cluster: Cluster, store: Store, spec) -> tuple[str, str]:
    search_id = store.create_search(spec)[0].id
    return search_id, cluster.submit(search_id, store.begin_driver(search_id), spec.name)


def wait_for_end(cluster: Cluster, job: str, seconds: float = 200.0) -> JobState:
    deadline = time.monotonic() + seconds
    while not (state := cluster.state(job)).final:
        assert time.monotonic() < deadline, f"job {job} is {state}; it printed:\n{cluster.logs(job)}"
        time.sleep(0.2)
    return state


@pytest.mark.parametrize(
    "search_id", ["s00000000000", "s00000000000g", "s000000000000; rm -rf /", "../s000000000000", ""]
)
def test_only_ids_that_the_store_makes_reach_the_shell(search_id):
    with pytest.raises(ValueError, match="is no search id"):
        job_id(search_id, 1)


def test_attempts_count_from_one():
    assert job_id(NOBODY, 3) == "segnas-s000000000000-3"
    with pytest.raises(ValueError, match="count from 1"):
        job_id(NOBODY, 0)


def test_nobody_answers():
    with Cluster("http://127.0.0.1:9", "token") as cluster:
        assert str(cluster.unreachable()).startswith("no answer from the Ray cluster at http://127.0.0.1:9: ")
        with pytest.raises(ClusterUnreachable, match=r"no answer from the Ray cluster at http://127\.0\.0\.1:9"):
            cluster.state(job_id(NOBODY, 1))
        assert set(cluster.problems()) == set(PARTS)


def test_a_token_is_found_where_ray_finds_it(running_ray, monkeypatch, tmp_path):
    local = running_ray.local
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(local.folder / "token"))
    with Cluster(local.dashboard_url + "/") as found:
        assert found.unreachable() is None
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    with Cluster(local.dashboard_url) as wrong:
        refused = f"the Ray cluster at {local.dashboard_url} refuses the token"
        assert str(wrong.unreachable()).startswith(refused)
        assert wrong.problems()["ray"].startswith(refused)
        with pytest.raises(ClusterUnreachable, match="refuses the token"):
            wrong.logs(job_id(NOBODY, 1))
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with Cluster(local.dashboard_url) as tokenless:
        assert "refuses the token" in str(tokenless.unreachable())


def test_dumps_of_a_raylets_state_are_left_out_of_logs():
    lost = "(raylet) Raylet is terminated. Last 20 lines of the Raylet logs:\n"
    dump = "    [state-dump] NodeManager.GCTaskFailureReason - 1 total\n    [state-dump] \n"
    assert without_dumps(f"trial 2: 0.6026 at 150\n{lost}{dump}trial 2: 0.6665 at 300\n") == (
        f"trial 2: 0.6026 at 150\n{lost}trial 2: 0.6665 at 300\n"
    )
    assert without_dumps("no end of line") == "no end of line"


def test_the_stack_of_a_raylet_is_left_out_of_logs_of_either_format():
    raylet = "    /opt/ray/raylet/raylet(+0x36974c) [0x559d8cb9374c] ray::raylet::NodeManager::NodeManager()"
    libc = "    /lib/x86_64-linux-gnu/libc.so.6(__libc_start_main+0x85) [0x7fda7496c305] __libc_start_main"
    own = "    /home/u/raylet/raylet (a data set)\n    /opt/torch/libtorch_cpu.so(+0x1) [0x1] at::add()\n"
    lines = [raylet, libc, *(json.dumps({"level": "INFO", "message": frame}) for frame in (raylet, libc))]
    assert without_dumps("\n".join([*lines, own])) == own


def test_a_job_nobody_knows_is_lost(cluster):
    job = job_id(NOBODY, 1)
    assert cluster.unreachable() is None
    assert cluster.problems() == {}
    assert cluster.state(job) is JobState.lost
    assert cluster.logs(job) == ""
    cluster.stop(job)


def test_a_search_from_submission_to_its_end(cluster, service_store, spec_of):
    """The real thing: a job, a driver, backbone and bank, trials that train on images."""
    spec = spec_of(name="tïny search\u2028", fidelity=TINY, trials=2, early_stopping=None)
    search_id, job = submit(cluster, service_store, spec)
    assert cluster.submit(search_id, 1, spec.name) == job
    assert wait_for_end(cluster, job) is JobState.succeeded
    search = service_store.get_search(search_id)
    assert search.status is SearchStatus.COMPLETED, search.message
    for trial in service_store.all_trials(search_id):
        assert trial.status is TrialStatus.COMPLETED
        assert [m.iteration for m in service_store.curve(search_id, trial.number)] == [2, 4]
    with service_store._read() as connection:  # backbone and bank are there, which a next driver would find
        reached = connection.execute(select(SearchRow.reached).where(SearchRow.id == search_id)).scalar_one()
    assert reached == 1
    assert f"driver 1 of search {search_id}" in cluster.logs(job)
    assert cluster.submit(search_id, 1, spec.name) == job
    assert cluster.state(job) is JobState.succeeded


def test_a_search_over_levels_and_widths_under_a_limit(cluster, service_store, spec_of):
    backbone = BackboneSpec(width=0.25, blocks=8, output_stride=16, levels=(8, 16), warmup_iterations=2)
    space = DenseCellSpace(branches=3, levels=(8, 16), channels=(4, 6, 8), limit=CellLimit(parameters=700))
    fidelity = TINY.model_copy(update={"backbone": backbone})
    spec = spec_of(name="levels", space=space, fidelity=fidelity, trials=3, early_stopping=None)
    search_id, job = submit(cluster, service_store, spec)
    assert wait_for_end(cluster, job) is JobState.succeeded
    search = service_store.get_search(search_id)
    assert search.status is SearchStatus.COMPLETED, search.message
    for trial in service_store.all_trials(search_id):
        assert trial.status is TrialStatus.COMPLETED
        cell = trial.architecture
        assert isinstance(cell, DenseCell)
        assert cell.levels == (8, 16)
        assert cell.channels is not None
        (parameters,) = {m.parameters for m in service_store.curve(search_id, trial.number)}
        assert parameters is not None
        assert parameters - 19 * (cell.channels + 1) <= 700  # the logits for 19 classes do not count


def test_a_search_that_cannot_be_prepared_fails_with_the_reason(cluster, service_store, spec_of):
    fidelity = TINY.model_copy(update={"dataset": "elsewhere"})
    search_id, job = submit(cluster, service_store, spec_of(fidelity=fidelity))
    assert wait_for_end(cluster, job) is JobState.succeeded
    search = service_store.get_search(search_id)
    assert search.status is SearchStatus.FAILED
    assert search.message == "data set 'elsewhere' is not registered; known: tiny"


def test_a_search_that_no_node_can_hold_waits_and_can_be_stopped(cluster, service_store, spec_of):
    search_id, job = submit(cluster, service_store, spec_of(fidelity=TINY, resources=Resources(cpus=1000)))
    deadline = time.monotonic() + 100
    while (stage := service_store.get_search(search_id).stage) is None:
        assert time.monotonic() < deadline, cluster.logs(job)
        time.sleep(0.2)
    assert stage.name == "waiting for a node with 1000 CPUs"
    service_store.move_search(search_id, [SearchStatus.RUNNING], SearchStatus.STOPPING)
    before = time.monotonic()
    cluster.stop(job)
    while service_store.get_search(search_id).status is not SearchStatus.STOPPED:
        assert time.monotonic() - before < 10
        time.sleep(0.05)
    assert wait_for_end(cluster, job) is JobState.stopped


@pytest.mark.slow
def test_the_end_of_a_driver_is_known_by_its_exit_code(running_ray, cluster, service_store, spec_of):
    """By which the service tells a driver that died from one that was asked to end."""
    spec = spec_of(fidelity=TINY, resources=Resources(cpus=1000))
    codes = {}
    for number in (signal.SIGTERM, signal.SIGKILL):
        search_id, job = submit(cluster, service_store, spec)
        deadline = time.monotonic() + 100
        while service_store.get_search(search_id).stage is None:
            assert time.monotonic() < deadline, cluster.logs(job)
            time.sleep(0.2)
        for process in processes.find(running_ray.local.marker):
            if process.cmdline()[2:] == ["-m", "workers.driver", search_id, "1"]:
                os.kill(process.pid, number)
        assert wait_for_end(cluster, job) is JobState.failed
        codes[number] = cluster.ending(job).exit_code
        assert str(codes[number]) in cluster.ending(job).message
    assert codes[signal.SIGTERM] == ExitCode.INTERRUPTED
    assert codes[signal.SIGKILL] not in [None, *ExitCode]
    assert cluster.ending(job_id(NOBODY, 1)) == JobEnd(None, "")


@pytest.mark.chaos
def test_a_driver_that_is_killed_is_replaced_without_doubling(running_ray, cluster, service_store, spec_of):
    fidelity = TINY.model_copy(update={"rungs": (2, 40, 80)})
    spec = spec_of(fidelity=fidelity, trials=4, early_stopping=None)
    search_id, job = submit(cluster, service_store, spec)
    deadline = time.monotonic() + 200
    while not service_store.measurements(search_id):
        assert time.monotonic() < deadline, cluster.logs(job)
        time.sleep(0.05)
    for process in processes.find(running_ray.local.marker):
        if process.cmdline()[2:] == ["-m", "workers.driver", search_id, "1"]:
            os.kill(process.pid, signal.SIGKILL)
    assert wait_for_end(cluster, job) is JobState.failed
    in_flight = {t.number for t in service_store.all_trials(search_id) if t.status is TrialStatus.RUNNING}
    assert in_flight
    assert service_store.requeue_search(search_id, 1, 0.0, "driver 1 died")
    second = cluster.submit(search_id, service_store.begin_driver(search_id), spec.name)
    assert second == job_id(search_id, 2)
    assert wait_for_end(cluster, second) is JobState.succeeded
    trials = service_store.all_trials(search_id)
    assert [(trial.number, trial.status) for trial in trials] == [(n, TrialStatus.COMPLETED) for n in range(4)]
    assert {trial.number for trial in trials if trial.attempt == 2} == in_flight
    curves = service_store.measurements(search_id)
    assert all([m.iteration for m in curves[trial.number]] == [2, 40, 80] for trial in trials)


def test_a_token_that_no_header_can_carry_is_told(monkeypatch, tmp_path):
    file = tmp_path / "token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "")
    for text, sent in (("", None), ("\n", None), ("from-a-file\n", "Bearer from-a-file")):
        file.write_text(text)
        with Cluster("http://127.0.0.1:9") as cluster:
            assert cluster._http.headers.get("Authorization") == sent
    for broken in (b"t\xc3\xbcr", b"two\nlines", b"\xff"):
        file.write_bytes(broken)
        with pytest.raises(RuntimeError, match=r"codec can't decode|no HTTP header can carry"):
            Cluster("http://127.0.0.1:9")
