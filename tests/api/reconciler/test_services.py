"""The loop in its thread, beside another service, and behind HTTP."""

from __future__ import annotations

import time

from api.driver_logs import DriverLogs
from api.reconciler import Reconciler
from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec
from tests.api.told_cluster import ToldCluster
from workers.cluster.jobs import JobState, job_id


def test_one_search_that_cannot_be_attended_to_does_not_hold_up_the_others(store, clock, service, tmp_path):
    first = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    second = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]

    class Broken(ToldCluster):
        def submit(self, search_id: str, attempt: int, name: str) -> str:
            if search_id == first.id:
                raise RuntimeError("a fault of ours")
            return super().submit(search_id, attempt, name)

    broken = Broken()
    logs = DriverLogs(tmp_path / "logs", broken, clock)
    Reconciler(store, broken, seconds=0.01, max_attempts=3, logs=logs, clock=clock).run_once()
    assert broken.submitted == [job_id(second.id, 1)]


def test_two_services_share_the_work_by_leases(make, store, cluster, service):
    both = [make(), make()]
    search = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    for reconciler in both:
        reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, 1)]
    store.move_search(search.id, [SearchStatus.STARTING], SearchStatus.STOPPING)
    both[1].run_once()
    assert cluster.stopped == []  # the first one holds the lease
    both[0].stop()
    both[1].run_once()
    assert cluster.stopped == [job_id(search.id, 1)]


def test_the_thread_acts_when_woken_and_ends(store, cluster, service, tmp_path):
    logs = DriverLogs(tmp_path / "logs", cluster)
    reconciler = Reconciler(store, cluster, seconds=3600, max_attempts=3, logs=logs)
    reconciler.start()
    time.sleep(0.1)  # its first pass finds nothing
    search = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    reconciler.wake()
    deadline = time.monotonic() + 10
    while not cluster.submitted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert cluster.submitted == [job_id(search.id, 1)]
    started = time.monotonic()
    reconciler.stop()
    assert time.monotonic() - started < 5
    assert store.leases()[search.id].owner is None
    assert logs.text(search.id, 1) == cluster.printed
    cluster.there = False  # as when its Ray ends with a service
    assert logs.text(search.id, 1) == cluster.printed


def test_posting_and_stopping_over_http_reach_the_cluster(serve, home, cluster):
    service = serve(home, cluster)
    search = service.http.post("/v1/searches", json=service.spec).json()["id"]
    wait_for(lambda: cluster.submitted == [job_id(search, 1)])
    shown = service.http.get(f"/v1/searches/{search}").json()
    assert (shown["status"], shown["attempt"]) == ("starting", 1)
    service.http.post(f"/v1/searches/{search}/stop")
    wait_for(lambda: cluster.stopped == [job_id(search, 1)])
    cluster.jobs[job_id(search, 1)] = JobState.stopped
    wait_for(lambda: service.http.get(f"/v1/searches/{search}").json()["status"] == "stopped")
    assert service.http.get(f"/v1/searches/{search}/logs?tail=1").text == "MemoryError: no more\n"
    assert service.http.get("/readyz").status_code == 200
    cluster.there = False
    assert service.http.get("/readyz").json()["parts"]["ray"]["ok"] is False
    assert service.http.get(f"/v1/searches/{search}/logs?tail=1").text == "MemoryError: no more\n"
    other = service.http.post("/v1/searches", json=service.spec).json()["id"]
    service.store.begin_driver(other)
    assert service.http.get(f"/v1/searches/{other}/logs").status_code == 503


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
