"""The commands for a search that exists, and what a warm start sends, against a real service."""

from __future__ import annotations

import io
import json

import pytest
import yaml

from nas.client import Client
from nas.results.status import SearchStatus, TrialStatus


@pytest.fixture
def stopped(service) -> str:
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(search, 1, end=TrialStatus.FAILED)
    service.store.finish_search(search, 1, SearchStatus.STOPPED)
    return search


def test_pause_resume_and_extend(segnas, service, stopped):
    assert segnas("resume", stopped)[1] == f"{stopped} queued\n"
    assert segnas("pause", stopped)[1] == f"{stopped} paused\n"
    assert service.store.get_trial(stopped, 1).status is TrialStatus.FAILED
    segnas("resume", stopped, "--retry-failed")
    assert service.store.get_trial(stopped, 1).status is TrialStatus.STOPPED
    segnas("stop", stopped)
    assert segnas("extend", stopped, "--trials", 40)[1] == f"{stopped} queued\n"
    assert service.store.get_search(stopped).planned == 40
    code, _, err = segnas("extend", stopped)
    assert (code, err) == (
        2,
        "segnas: say what the search shall have more of: --trials N or --seeds N, the new number in all\n",
    )
    code, _, err = segnas("extend", stopped, "--seeds", 2)
    assert (code, err) == (
        2,
        "segnas: seeds: a search of the kind black_box can be given more trials, not more seeds\n",
    )


def test_edit_adds_and_removes_tags_and_lists_find_them(segnas, service, stopped):
    code, out, _ = segnas("edit", stopped, "--name", "night", "--tag", "lab-3", "--tag", "b", "--notes", "dark images")
    assert (code, out) == (0, f"{stopped} night [lab-3, b]\n")
    assert segnas("edit", stopped, "--untag", "b", "--tag", "lab-3", "--tag", "c")[1] == f"{stopped} night [lab-3, c]\n"
    shown = segnas("show", stopped)[1]
    for line in (f"search  {stopped}  night", "tags  lab-3, c", "notes  dark images"):
        assert line in shown
    assert [found["id"] for found in json.loads(segnas("searches", "--tag", "lab-3", "--json")[1])] == [stopped]
    assert "lab-3 c" in segnas("searches", "--tag", "c")[1]
    assert segnas("edit", stopped)[0] == 2
    assert segnas("edit", stopped, "--tag", "two words")[0] == 2


def test_delete_asks_first(segnas, service, stopped, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert segnas("delete", stopped)[0] == 1
    assert service.store.get_search(stopped).id == stopped
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code, out, _ = segnas("delete", stopped)
    assert code == 0
    assert out.endswith(f"{stopped} deleted\n")
    code, _, err = segnas("delete", stopped, "--yes")
    assert (code, err) == (1, f"segnas: there is no search '{stopped}'\n")
    running = service.search()
    assert "stop it first" in segnas("delete", running, "--yes")[2]


def test_a_warm_start_joins_the_file_s(segnas, service, stopped, tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(service.spec))
    search = segnas("submit", file, "--warm-start", stopped)[1].strip()
    assert service.store.get_search(search).spec.warm_start == (stopped,)
    file.write_text(yaml.safe_dump({"kind": "reference", "name": "heads", "fidelity": service.spec["fidelity"]}))
    code, _, err = segnas("submit", file, "--warm-start", stopped)
    assert code == 2
    assert err.startswith("segnas: warm_start: unknown field")


def test_the_client_s_methods(service, stopped):
    with Client(service.url) as client:
        assert client.edit(stopped, tags=["x"]).tags == ("x",)
        assert [search.id for search in client.searches(tag="x")] == [stopped]
        assert client.edit(stopped, tags=[], notes="n").tags == ()
        assert client.extend(stopped, trials=21).planned == 21
        assert client.pause(stopped).status is SearchStatus.PAUSED
        assert client.resume(stopped, retry_failed=True).trials[TrialStatus.STOPPED] == 1
        client.stop(stopped)
        client.delete(stopped)
        assert stopped not in [search.id for search in client.searches()]
