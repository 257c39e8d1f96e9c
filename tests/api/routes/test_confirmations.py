"""Confirmations over HTTP; the store is filled as drivers do."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, ConfirmationSpec
from tests.api.routes.test_rankings import searched, start
from tests.builders import measured

HEADS = ["published_dpc", {"name": "aspp", "channels": 16}]


def ask(service, search: str, **request: Any):
    return service.http.post(f"/v1/searches/{search}/confirmation", json=request)


def spec_of(service, search: str) -> ConfirmationSpec:
    spec = service.store.get_search(search).spec
    assert isinstance(spec, ConfirmationSpec)
    return spec


def measure(service, child: str, scores: list[float]) -> None:
    """As the driver does; `scores` by the architecture, a little better with each seed."""
    record = start(service, child)
    spec = spec_of(service, child)
    parent = {trial.number: trial for trial in service.store.all_trials(spec.of)}
    architectures = [*(parent[number].architecture for number in spec.trials), *spec.references]
    for number in range(spec.planned):
        turn, index = divmod(number, len(architectures))
        proposal = Proposal(number, architectures[index], spec.fidelity, spec.seed + turn)
        service.store.add_trial(child, record.attempt, proposal)
        score = scores[index] + 0.01 * turn
        service.store.record_measurement(child, number, 1, measured(spec.fidelity.iterations, score, 8.0))
        service.store.finish_trial(child, number, 1, TrialStatus.COMPLETED)


def test_the_three_best_are_confirmed_with_fresh_seeds_beside_textbook_heads(service):
    search = searched(service)
    reply = ask(service, search)
    assert reply.status_code == 201, reply.text
    child = reply.json()["id"]
    spec = spec_of(service, child)
    assert (spec.of, spec.trials, spec.seeds) == (search, (5, 3, 1), 4)
    assert service.store.get_search(child).parent == search
    assert spec.fidelity == service.store.get_search(search).spec.fidelity
    assert spec.seed == 1 + max(trial.seed for trial in service.store.all_trials(search))
    channels = spec.fidelity.head.channels
    names = [(getattr(head, "name", "cell"), head.channels) for head in spec.references]
    assert names == [
        ("cell", channels),
        ("aspp_separable", channels),
        *((name, width) for name in ("aspp", "ppm") for width in (channels, channels // 2)),
    ]
    assert spec.planned == (3 + 6) * 4


def test_a_confirmation_is_answered_by_its_own_id_and_by_its_search(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=3).json()["id"]
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    found = service.http.get(f"/v1/searches/{search}/confirmation").json()
    assert found == service.http.get(f"/v1/searches/{child}/confirmation").json()
    assert (found["search"], found["confirmation"], found["kept_back"]) == (search, child, False)
    assert [row["trial"] for row in found["rows"]] == [5, 3, None, None]
    assert found["winner"] == found["rows"][1]["architecture_key"]
    assert found["rows"][1]["scores"] == {
        str(spec_of(service, child).seed + turn): 0.6 + 0.01 * turn for turn in range(3)
    }
    assert [round(gain["mean"], 6) for gain in found["gains"]] == [0.2, 0.05]
    text, table = service.http.get(f"/v1/searches/{child}/panels").json()
    assert text["lines"] == [found["sentence"]]
    assert [row[4] for row in table["rows"]] == ["0.5100", "0.6100", "0.4100", "0.5600"]


def test_what_is_exported_is_the_confirmed_architecture_even_below_a_reference(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.9, 0.9])
    best = service.http.get(f"/v1/searches/{child}/best").json()
    assert (
        best["architecture"] == service.http.get(f"/v1/searches/{search}/trials/3").json()["document"]["architecture"]
    )


def test_images_that_were_kept_back_are_measured_on(service):
    fidelity = {**service.spec["fidelity"], "holdout": {"share": 0.25}}
    search = searched(service, fidelity=fidelity)
    child = ask(service, search, iterations=50).json()["id"]
    holdout = spec_of(service, child).fidelity.holdout
    assert holdout is not None
    assert (holdout.share, holdout.measure_on) == (0.25, "kept_back")
    assert spec_of(service, child).fidelity.iterations == 50
    assert service.http.get(f"/v1/searches/{child}/confirmation").json()["kept_back"] is True


@pytest.mark.parametrize(
    ("request_", "path", "words"),
    [
        ({"seed": 0}, "seed", "so that it is fresh"),
        ({"choose": {"how": "top", "count": 7}}, "choose.count", "6 have a score"),
        ({"choose": {"how": "explicit", "trials": [9]}}, "choose.trials", "no such trial"),
        ({"references": ["asp"]}, "references.0", "asp"),
        ({"references": ["fpn"]}, "", "fpn reads several feature maps"),
        ({"seeds": 1}, "seeds", "greater than or equal to 2"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(service, request_, path, words):
    search = searched(service)
    before = service.http.get("/v1/searches").json()
    reply = ask(service, search, **request_)
    assert reply.status_code == 422, reply.text
    (error,) = reply.json()["errors"]
    assert error["path"].startswith(path)
    assert words in error["message"]
    assert service.http.get("/v1/searches").json() == before


def test_a_search_without_a_score_and_one_of_another_kind_say_why_not(service):
    empty = service.search()
    assert "no trial that ended with a score" in ask(service, empty).json()["detail"]
    search = searched(service)
    child = ask(service, search).json()["id"]
    reply = ask(service, child)
    assert (reply.status_code, f"rank its search, {search}" in reply.json()["detail"]) == (409, True)
    assert "segnas confirm" in service.http.get(f"/v1/searches/{empty}/confirmation").json()["detail"]


def test_entire_networks_are_confirmed_without_heads(service, snapshot_at):
    spec = AutoDeepLabSpec.model_validate(
        {
            "name": "trellis",
            "bilevel": {"dataset": "scenes", "crop": [65, 65]},
            "scoring": {"dataset": "scenes", "crop": [129, 129], "rungs": [20]},
        }
    )
    search, _ = service.store.create_search(spec)
    record = start(service, search.id)
    network = snapshot_at(1).architecture
    assert spec.scoring is not None
    service.store.add_trial(search.id, record.attempt, Proposal(0, network, spec.scoring, 0))
    service.store.record_measurement(search.id, 0, 1, measured(20, 0.4, 8.0))
    service.store.finish_trial(search.id, 0, 1, TrialStatus.COMPLETED)
    assert spec_of(service, ask(service, search.id).json()["id"]).references == ()
    refused = ask(service, search.id, references=["aspp"])
    assert "entire networks" in refused.json()["errors"][0]["message"]
