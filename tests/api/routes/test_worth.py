"""Asking what a search is worth over HTTP: one probe whoever asks, what it costs, its panels on the search's page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import SecretStr

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.specs.tokens import Scope, TokenRequest
from nas.worth import probe_key, worth_probe
from tests.conftest import start_driver
from tests.worth_probe import measure_probe

NETWORKS: dict[str, Any] = {
    "name": "networks",
    "space": {"kind": "auto_deeplab", "layers": 4, "levels": 2, "blocks": 1},
    "fidelity": {"dataset": "scenes", "crop": [64, 64]},
}


def asked(service, **changes: Any) -> Any:
    """The answer to the question, asked before the search is started."""
    params = {"dry_run": True, "worth": True}
    return service.http.post("/v1/searches", json={**service.spec, **changes}, params=params)


def worth_panels(service, search: str) -> list[dict[str, Any]]:
    """The panels of a search about its worth, once none is being made."""
    for _ in range(400):
        found = service.http.get(f"/v1/searches/{search}/panels").json()
        if not any(panel.get("pending") and panel["part"] == "analysis" for panel in found):
            return [panel for panel in found if panel["part"] == "answer"]
        time.sleep(0.05)
    raise AssertionError("panels are being made for ever")


def question(service, **changes: Any) -> Any:
    """What a dry run says of the search's worth: its fact, its answer, its panels."""
    reply = service.http.post("/v1/searches", json={**service.spec, **changes}, params={"dry_run": True}).json()
    facts = {fact["name"]: fact["text"] for fact in reply["facts"]}
    return facts.get("worth it?"), reply["worth"], reply["worth_panels"]


def test_who_asks_the_same_again_gets_the_same_probe(service):
    first = asked(service)
    assert first.status_code == 202, first.text
    probe = first.json()
    assert first.headers["Location"] == f"/v1/searches/{probe['id']}"
    assert (probe["kind"], probe["planned"], len(probe["spec"]["heads"])) == ("reference", 48, 24)
    assert probe["spec"]["fidelity"]["rungs"] == [100]
    again = asked(service, name="by another name", trials=7)
    assert (again.status_code, again.json()["id"]) == (202, probe["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    of_search = service.http.post(f"/v1/searches/{service.search()}/worth")
    assert (of_search.status_code, of_search.json()["id"]) == (202, probe["id"])
    assert asked(service, seed=1).json()["id"] != probe["id"]


def test_tokens_share_the_probe_and_readers_start_none(home, serve):
    guarded = serve(home.model_copy(update={"token": SecretStr("the-own-token-of-it")}))

    def ask(scope: Scope) -> Any:
        _, secret = guarded.store.create_token(TokenRequest(name=f"a-{scope}", scope=scope))
        guarded.http.headers["Authorization"] = f"Bearer {secret}"
        return asked(guarded)

    assert ask(Scope.READ).status_code == 403
    mine, theirs = ask(Scope.SUBMIT).json(), ask(Scope.ADMIN).json()
    assert (mine["owner"], theirs["id"]) == ("a-submit", mine["id"])
    text, _, _ = question(guarded)
    assert text == f"asked, and not answered yet: {mine['id']} is queued"


def test_a_probe_that_was_stopped_goes_on_for_its_owner_and_admins_alone(home, serve):
    guarded = serve(home.model_copy(update={"token": SecretStr("the-own-token-of-it")}))
    secrets = {
        name: guarded.store.create_token(TokenRequest(name=name, scope=scope))[1]
        for name, scope in (("owner", Scope.SUBMIT), ("another", Scope.SUBMIT), ("admin", Scope.ADMIN))
    }

    def ask(name: str) -> Any:
        guarded.http.headers["Authorization"] = f"Bearer {secrets[name]}"
        return asked(guarded)

    probe = ask("owner").json()["id"]
    assert ask("another").json()["id"] == probe, "one that goes on by itself is everybody's"
    for name in ("owner", "admin"):
        assert ask("owner").json()["id"] == probe
        assert guarded.http.post(f"/v1/searches/{probe}/stop").status_code == 202
        refused = ask("another")
        assert refused.status_code == 403
        assert refused.json()["detail"] == f"search {probe} belongs to owner: the token another may change only its own"
        assert guarded.store.get_search(probe).status is SearchStatus.STOPPED
        assert (ask(name).json()["id"], guarded.store.get_search(probe).status) == (probe, SearchStatus.QUEUED)


@pytest.mark.parametrize(
    ("params", "changes", "sentence"),
    [
        ({"worth": True}, {}, "worth=true goes with dry_run=true"),
        ({"worth": True, "measure": True, "dry_run": True}, {}, "start different probes"),
        ({"worth": True, "dry_run": True}, {"objectives": ["worst_class_iou"]}, "is said in mIoU"),
        ({"worth": True, "dry_run": True}, NETWORKS, "only a search that proposes cells"),
    ],
)
def test_what_cannot_be_asked_is_refused(service, params, changes, sentence):
    reply = service.http.post("/v1/searches", json={**service.spec, **changes}, params=params)
    assert reply.status_code == 422
    assert sentence in reply.json()["detail"]


def test_a_search_for_networks_has_no_question(service):
    search = service.search(**NETWORKS)
    for method in ("get", "post"):
        reply = service.http.request(method, f"/v1/searches/{search}/worth")
        assert reply.status_code == 409
        assert "only a search that proposes cells" in reply.json()["detail"]
    assert worth_panels(service, search) == []
    assert question(service, **NETWORKS) == (None, None, [])


def test_from_the_question_to_the_answer(service):
    spec: dict[str, Any] = {"seed": 21}
    search = service.search(**spec)
    (ask,) = worth_panels(service, search)
    assert (ask["type"], ask["path"]) == ("ask", f"/v1/searches/{search}/worth")
    _, _, (before,) = question(service, **spec)
    assert (before["lines"], before["path"]) == (ask["lines"], "/v1/searches?dry_run=true&worth=true")
    refused = service.http.get(ask["path"])
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("not asked yet; ")
    probe = service.http.post(ask["path"]).json()["id"]
    measure_probe(service, probe, heads=6)
    links, bars, text = worth_panels(service, search)
    assert links["links"][0]["target"] == f"#/{probe}"
    assert (bars["bars"][0]["value_text"], text["pending"]) == ("12 of 48", True)
    assert question(service, **spec)[2] == [links, bars, text], "the form says the same"
    service.finish(probe)
    (unanswered,) = worth_panels(service, search)
    assert "0 random architectures have a score" in unanswered["links"][0]["text"]
    assert "0 random architectures" in service.http.get(ask["path"]).json()["detail"]


def test_a_probe_without_an_answer_goes_on_when_it_is_asked_again(service):
    """It failed half-way: it is resumed. It is completed, and most of it has failed: that is tried again."""
    spec: dict[str, Any] = {"seed": 33}
    search = service.search(**spec)
    path = f"/v1/searches/{search}/worth"
    probe = service.http.post(path).json()["id"]

    def button() -> tuple[str, str]:
        *_, ask = worth_panels(service, search)
        *_, in_form = question(service, **spec)[2]
        assert ask["type"] == in_form["type"] == "ask"
        assert (ask["button"], in_form["path"]) == (in_form["button"], "/v1/searches?dry_run=true&worth=true")
        return ask["button"], ask["path"]

    def asked_again() -> str:
        reply = service.http.post(path)
        assert (reply.status_code, reply.json()["id"]) == (202, probe)
        return str(reply.json()["status"])

    measure_probe(service, probe, heads=6)
    assert asked_again() == "running", "it goes on by itself"
    service.store.finish_search(probe, 1, SearchStatus.FAILED, "no room")
    assert "it is failed (no room)" in worth_panels(service, search)[0]["links"][0]["text"]
    assert button() == ("Go on with it", path)
    assert asked_again() == "queued"
    start_driver(service.store, probe)
    record = service.store.get_search(probe)
    for seed in range(2):
        for index, head in enumerate(record.spec.heads[6:], start=6):
            number = seed * 24 + index
            service.store.add_trial(probe, record.attempt, Proposal(number, head, record.spec.fidelity, seed))
            service.store.finish_trial(probe, number, 1, TrialStatus.FAILED, "loss is NaN")
    service.finish(probe)
    assert "0 random architectures have a score" in worth_panels(service, search)[0]["links"][0]["text"]
    assert button() == ("Try again what failed", path)
    reply = asked(service, **spec)
    assert (reply.json()["id"], reply.json()["status"]) == (probe, "queued"), "the form asks the same"
    assert service.store.overview(probe).trials[TrialStatus.FAILED] == 0


def test_an_answer_is_not_asked_for_again(service):
    spec: dict[str, Any] = {"seed": 34}
    probe = asked(service, **spec).json()["id"]
    measure_probe(service, probe)
    service.finish(probe)
    assert asked(service, **spec).json()["status"] == "completed"


def test_the_answer_on_a_search_and_in_a_dry_run(service):
    spec: dict[str, Any] = {"seed": 22}
    search = service.search(**spec)
    probe = asked(service, **spec).json()["id"]
    measure_probe(service, probe)
    service.finish(probe)
    found = service.http.get(f"/v1/searches/{search}/worth").json()
    text, answer, panels = question(service, **spec)
    assert answer == found
    assert text == f"{found['sentence']} Measured by {probe}."
    shown = worth_panels(service, search)
    assert [panel["type"] for panel in shown] == ["text", "intervals", "text", "table", "links"]
    assert shown[0]["lines"] == [found["sentence"]]
    (row,) = shown[1]["rows"]
    assert (row["value"], row["low"], row["high"]) == (found["gain"], found["low"], found["high"])
    assert shown[1]["lines"][0]["x"] == found["seed_deviation"]
    assert [panel["type"] for panel in panels] == ["intervals", "text", "table", "links"]
    assert panels[0] == shown[1]
    service.finish(search)
    assert [panel["type"] for panel in worth_panels(service, search)] == ["text", "intervals", "table", "links"]


def test_a_search_that_is_over_is_not_asked_about(service):
    search = service.search(seed=23)
    service.finish(search)
    assert worth_panels(service, search) == []


def test_what_it_costs_is_known_by_the_times_of_cells(service):
    """48 trials to the first rung, of 1 s on two devices; then by those of the probe's own heads, 4 s each."""
    spec: dict[str, Any] = {"fidelity": {**service.spec["fidelity"], "batch": 5}}
    search = service.search(**spec)
    assert "What that takes is not known" in question(service, **spec)[2][0]["lines"][1]
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    text, _, (panel,) = question(service, **spec)
    assert panel["lines"][1] == "It takes about 96 s of device time. Nothing else is started."
    assert text.endswith("with 2 seeds: about 96 s of device time")
    probe = asked(service, **spec).json()["id"]
    measure_probe(service, probe, heads=1)
    service.store.finish_search(probe, 1, SearchStatus.FAILED, "no room")
    assert "it is failed (no room)" in question(service, **spec)[2][0]["links"][0]["text"]
    service.http.delete(f"/v1/searches/{probe}").raise_for_status()
    assert question(service, **spec)[2][0]["type"] == "ask", "a probe that is gone can be asked for again"


def test_a_key_that_somebody_took_for_something_else_is_a_conflict(service):
    spec = {**service.spec, "seed": 24}
    key = probe_key(worth_probe(BlackBoxSpec.model_validate(spec)))
    service.http.post("/v1/searches", json=spec, headers={"Idempotency-Key": key}).raise_for_status()
    assert question(service, **spec)[2][0]["type"] == "ask"
    assert asked(service, **spec).status_code == 409
