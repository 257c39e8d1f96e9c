"""What followers read: every change once, what is drawn as the record has it, nothing again that a watcher has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.followers import DrawnFollower, TrialFollower
from nas.panels.sampling import SAMPLE, every
from nas.results.status import TrialStatus
from nas.store import Stage, StoreError


def data(events: Any) -> dict[str, Any]:
    """The data of events by their names."""
    return {event.name: json.loads(event.data) for event in events}


def test_trials_are_followed_by_their_changes(service):
    search = service.search()
    service.trial(search, 0, 0.2)
    follower = TrialFollower(search, service.store, service.settings)
    assert [event.name for event in follower.read()] == ["search"]
    assert [event.name for batch in follower.missed(None) for event in batch] == ["trial"]
    assert follower.read() == ()
    service.trial(search, 1, 0.3, 0.4, end=TrialStatus.COMPLETED)
    trial, of_search = follower.read()
    assert (trial.name, json.loads(trial.data)["number"], trial.id) == (
        "trial",
        1,
        str(service.store.last_change(search)),
    )
    assert data([of_search])["search"]["trials"]["completed"] == 1
    assert [len(batch) for batch in follower.missed(None)] == [2]
    assert list(follower.missed(trial.id)) == []
    assert follower.read() == ()


def test_a_stage_is_a_change_of_the_search_alone(service):
    search = service.search()
    follower = TrialFollower(search, service.store, service.settings)
    follower.read()
    service.store.set_stage(search, 1, Stage("features", 1, 2))
    (event,) = follower.read()
    assert data([event])["search"]["stage"]["name"] == "features"


def test_what_is_drawn_is_what_the_record_has(service):
    search = service.search()
    for number, score in enumerate((0.3, 0.2, 0.4, 0.1)):
        service.trial(search, number, score / 2, score, end=TrialStatus.COMPLETED)
    service.trial(search, 4, 0.25)
    follower = DrawnFollower(search, service.store, service.settings)
    drawn = data(follower.read())
    assert drawn.keys() == {"search", "leaderboard", "scores"}
    listed = service.http.get(f"/v1/searches/{search}/trials?order_by=-score&scores=true&limit=50").json()["items"]
    assert drawn["leaderboard"] == {"items": listed, "total": 5}
    points = [(point["x"], point["y"], point["mark"]) for point in drawn["scores"]["points"]]
    assert points == [(0, 0.3, "completed"), (1, 0.2, "completed"), (2, 0.4, "best"), (3, 0.1, "completed")]
    assert drawn["scores"]["best_so_far"] == [[0, 0.3], [2, 0.4]]
    assert drawn["scores"]["title"] == "Scores at iteration 200, and the best so far"


def test_only_what_changed_is_sent(service):
    search = service.search()
    service.trial(search, 0, 0.3, 0.5, end=TrialStatus.COMPLETED)
    follower = DrawnFollower(search, service.store, service.settings, clock=lambda: 0.0)
    follower.read()
    assert follower.read() == ()
    service.trial(search, 1, 0.25)  # not at the rung of the best: the chart stays
    assert data(follower.read()).keys() == {"search", "leaderboard"}


def test_a_watcher_that_comes_back_is_not_sent_what_it_has(service):
    search = service.search()
    service.trial(search, 0, 0.3, 0.5, end=TrialStatus.COMPLETED)
    follower = DrawnFollower(search, service.store, service.settings)
    last = follower.read()[-1].id
    assert [event.name for event in follower.state(last)] == ["search"]
    assert [event.name for event in follower.state("other")] == ["search", "leaderboard", "scores"]
    again = DrawnFollower(search, service.store, service.settings)  # as after a restart of the service
    again.read()
    assert [event.name for event in again.state(last)] == ["search"]
    service.trial(search, 1, 0.25)
    again.read()
    assert [event.name for event in again.state(last)] == ["search", "leaderboard", "scores"]


def test_the_chart_waits_for_its_share_of_the_time_but_not_at_the_end(service):
    now = iter(range(0, 1000, 10))  # every look at the clock takes ten seconds
    search = service.search()
    service.trial(search, 0, 0.3, 0.4, end=TrialStatus.COMPLETED)
    follower = DrawnFollower(search, service.store, service.settings, clock=lambda: float(next(now)))
    assert "scores" in data(follower.read())
    service.trial(search, 1, 0.3, 0.5, end=TrialStatus.COMPLETED)
    assert "scores" not in data(follower.read())
    service.finish(search)
    assert len(data(follower.read())["scores"]["points"]) == 2
    assert follower.over


def test_a_sample_of_a_search_is_bounded():
    assert [every(trials) for trials in (0, 1, SAMPLE, SAMPLE + 1, 2 * SAMPLE, 28_000)] == [1, 1, 1, 2, 2, 128]
    assert 28_000 / every(28_000) <= SAMPLE


def test_a_search_that_is_gone_is_an_error(service):
    with pytest.raises(StoreError, match="there is no search"):
        TrialFollower("s000000000000", service.store, service.settings).read()
