"""`segnas worth` against a real service: one probe for equal questions, its answer, and what is in the way of one."""

from __future__ import annotations

import concurrent.futures
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from nas.client import Client
from nas.results.status import SearchStatus
from tests.conftest import start_driver
from tests.worth_probe import measure_probe

pytestmark = pytest.mark.slow

SPEC: dict[str, Any] = {"name": "cells", "trials": 60, "fidelity": {"dataset": "scenes", "rungs": [100, 300]}}


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def begun(service, spec: dict[str, Any]) -> str:
    """Start the probe as the command does, and measure all of it as its driver does."""
    with Client(service.url) as client:
        search = client.ask_worth(spec).id
    measure_probe(service, search)
    return search


def test_the_same_question_finds_the_probe_again(segnas, service, file):
    search = begun(service, SPEC)
    service.finish(search)
    code, out, err = segnas("worth", file)
    assert code == 0, err
    assert out.startswith(f"search {search} measures 24 heads, live at ")
    assert "a search of 60 trials is expected to gain " in out
    assert "measured  18 random cells and 6 textbook heads to iteration 100, two seeds each" in out
    assert "3.2 min of device time" in out
    code, out, err = segnas("worth", file, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["probe"] == search
    assert found["low"] < found["gain"] < found["high"]


def test_the_link_to_the_probe_is_the_one_that_people_use(serve, home, command_at, file):
    service = serve(home.model_copy(update={"public_url": "https://nas.example/"}))
    search = begun(service, SPEC)
    service.finish(search)
    code, out, err = command_at(service.url)("worth", file)
    assert code == 0, err
    assert out.startswith(f"search {search} measures 24 heads, live at https://nas.example/#/{search}\n")


def test_the_dry_run_of_a_search_says_what_was_asked_of_its_worth(segnas, service, tmp_path):
    spec = {**SPEC, "seed": 11}
    path = tmp_path / "eleven.yaml"
    path.write_text(yaml.safe_dump(spec))

    def said(**changes: object) -> tuple[str, Any]:
        reply = service.http.post("/v1/searches", json={**spec, **changes}, params={"dry_run": True}).json()
        return {fact["name"]: fact["text"] for fact in reply["facts"]}.get("worth it?", ""), reply["worth"]

    question = "not asked yet; `segnas worth SPEC.yaml` measures 24 heads to iteration 100 with 2 seeds: "
    text, answer = said()
    assert (text.startswith(question), answer) == (True, None)
    search = begun(service, spec)
    assert said() == (f"asked, and not answered yet: {search} is running", None)
    service.finish(search)
    text, answer = said(name="by another name", trials=30)
    assert text == f"{answer['sentence']} Measured by {search}."
    assert (answer["probe"], answer["trials"]) == (search, 30)
    assert json.loads(segnas("worth", path, "--json")[1]) == said()[1], "the command gives the same answer"
    assert said(seed=12)[1] is None, "other cells are another question"
    assert said(objectives=["worst_class_iou"]) == ("", None)
    assert said()[0] in " ".join(segnas("submit", path, "--dry-run")[1].split())


def test_a_dry_run_starts_nothing(segnas, service, file):
    before = len(list(service.store.list_searches().items))
    code, out, err = segnas("worth", file, "--dry-run")
    assert code == 0, err
    assert "48" in out
    assert "nothing was started" in out
    assert len(list(service.store.list_searches().items)) == before


def test_a_probe_that_failed_goes_on_when_it_is_asked_again_and_says_how_to_go_on(segnas, service, tmp_path):
    spec = {**SPEC, "seed": 7}
    path = tmp_path / "seven.yaml"
    path.write_text(yaml.safe_dump(spec))
    search = begun(service, spec)
    service.store.finish_search(search, service.store.get_search(search).attempt, SearchStatus.FAILED, "no disk")

    def fail_again() -> None:
        deadline = time.monotonic() + 30
        while service.store.get_search(search).status is not SearchStatus.QUEUED:
            assert time.monotonic() < deadline, "it was not resumed"
            time.sleep(0.02)
        start_driver(service.store, search)
        service.store.finish_search(search, service.store.get_search(search).attempt, SearchStatus.FAILED, "no room")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        failing = pool.submit(fail_again)
        code, _, err = segnas("worth", path)
        failing.result(timeout=60)
    assert code == 1
    assert err.endswith(f"segnas: {search} is failed: no room; ask again to go on with it\n")


def test_a_search_of_another_kind_is_refused(segnas, tmp_path):
    path = tmp_path / "heads.yaml"
    path.write_text(yaml.safe_dump({"kind": "reference", "name": "heads", "fidelity": SPEC["fidelity"]}))
    code, _, err = segnas("worth", path)
    assert code == 2
    assert "only a search that proposes cells" in err
