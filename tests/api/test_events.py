"""Live events: the state first, then changes, an end; from where a stream broke off; for many watchers."""

from __future__ import annotations

import json
import threading
import time

import pytest

from nas.results.status import TrialStatus
from nas.store import Stage


def events(service, search, last=None, query=""):
    """(name, data, id) of each event of a stream, until it ends."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with service.http.stream("GET", f"/v1/searches/{search}/events{query}", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        fields = {}
        for line in reply.iter_lines():
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                yield fields["event"], json.loads(fields["data"]), fields.get("id")
                fields = {}


def test_a_finished_search_is_told_whole_and_ends(service):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(search, 1, 0.1, end=TrialStatus.PRUNED)
    service.finish(search)
    told = list(events(service, search))
    assert [name for name, _, _ in told] == ["search", "trial", "trial", "end"]
    assert [data["number"] for name, data, _ in told if name == "trial"] == [0, 1]
    assert told[-1][1]["status"] == "completed"
    assert told[-1][1]["best"]["score"] == 0.5


@pytest.mark.slow
def test_changes_come_live_and_in_the_end_everything_was_told(service):
    search = service.search()
    service.trial(search, 0, 0.2)
    heard = []
    stream = events(service, search)
    assert next(stream)[0] == "search"
    assert next(stream)[1]["number"] == 0

    def drive() -> None:
        service.store.set_stage(search, 1, Stage("features", 1, 2))
        for number in range(1, 20):
            service.trial(search, number, number / 40, number / 30, end=TrialStatus.COMPLETED)
            time.sleep(0.05)
        service.store.finish_trial(search, 0, 1, TrialStatus.PRUNED)
        service.finish(search)

    driver = threading.Thread(target=drive)
    driver.start()
    heard = list(stream)
    driver.join()
    last = {data["number"]: data for name, data, _ in heard if name == "trial"}
    assert {number: trial["status"] for number, trial in last.items()} == (
        {0: "pruned"} | dict.fromkeys(range(1, 20), "completed")
    )
    assert last[19]["score"] == pytest.approx(19 / 30)
    assert [name for name, _, _ in heard].count("end") == 1
    assert heard[-1][0] == "end"
    statuses = [data["status"] for name, data, _ in heard if name == "search"]
    assert statuses[0] == "running"


@pytest.mark.slow
def test_many_watchers_hear_the_same_from_one_poller(service, monkeypatch):
    search = service.search()
    told: list[list[str]] = [[] for _ in range(20)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(name for name, _, _ in events(service, search)))
        for mine in told
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    time.sleep(0.5)
    answered = time.monotonic()
    assert service.http.get("/healthz").status_code == 200  # the event loop is free
    assert time.monotonic() - answered < 10
    service.trial(search, 0, 0.2, 0.4, end=TrialStatus.COMPLETED)
    service.finish(search)
    for thread in threads:
        thread.join(timeout=max(0.1, deadline - time.monotonic()))
    assert all(names[0] == "search" and names[-1] == "end" and "trial" in names for names in told)


def test_a_stream_is_taken_up_where_it_broke_off(service):
    search = service.search()
    service.trial(search, 0, 0.2, end=TrialStatus.PRUNED)
    stream = events(service, search)
    next(stream)
    _, _, last = next(stream)
    stream.close()
    service.trial(search, 1, 0.3, end=TrialStatus.PRUNED)
    service.finish(search)
    assert [data["number"] for name, data, _ in events(service, search, last) if name == "trial"] == [1]
    # An id far ahead leaves out what was told before; one that is none of ours counts as none.
    later = "9" * 12
    assert [name for name, _, _ in events(service, search, later)] == ["search", "end"]
    assert [name for name, _, _ in events(service, search, "nonsense")] == ["search", "trial", "trial", "end"]


def test_a_page_is_sent_what_it_draws_and_not_again_what_it_has(service):
    search = service.search()
    for number in range(60):
        service.trial(search, number, 0.2, (number + 1) / 100, end=TrialStatus.COMPLETED)
    service.finish(search)
    told = list(events(service, search, query="?drawn=true"))
    assert [name for name, _, _ in told] == ["search", "leaderboard", "scores", "end"]
    board, scores = told[1][1], told[2][1]
    assert [trial["number"] for trial in board["items"]] == list(range(59, 9, -1))
    assert (board["total"], len(scores["points"]), len(scores["best_so_far"])) == (60, 60, 60)
    again = list(events(service, search, told[2][2], "?drawn=true"))
    assert [name for name, _, _ in again] == ["search", "end"]


def test_all_trials_come_in_pieces(service, monkeypatch):
    monkeypatch.setattr("api.followers.PAGE", 7)
    search = service.search()
    for number in range(20):
        service.trial(search, number, 0.2)
    service.finish(search)
    told = [(data["number"], data["status"]) for name, data, _ in events(service, search) if name == "trial"]
    assert told == [(number, "stopped") for number in range(20)]


def test_events_of_no_search_are_404(service):
    assert service.http.get("/v1/searches/s000000000000/events").status_code == 404
