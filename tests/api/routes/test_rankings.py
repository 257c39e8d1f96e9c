"""Full-scale evaluations and rankings over HTTP; the store is filled as drivers do."""

from __future__ import annotations

import random
from typing import Any

import pytest
from scipy import stats

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, ReferenceSpec
from search_spaces import PUBLISHED_CELL
from search_spaces.dense_cell.space import sample
from tests.builders import measured

FULL = {"dataset": "scenes", "backbone": {"frozen": False}, "rungs": [1000]}
PROXY = (0.30, 0.50, 0.40, 0.60, 0.20, 0.70)
"""Scores at the last rung of trials 0 to 5."""

AT_FULL = (0.35, 0.52, 0.55, 0.62, 0.31, 0.60)
"""Of the same. Proxy ranks 5 3 4 2 6 1, full ranks 5 4 3 1 6 2: sum of d^2 is 4, rho = 1 - 6 * 4 / 210."""

RHO = 1 - 24 / 210


def searched(service, scores=PROXY, **changes: Any) -> str:
    """A running search whose trials 0, 1, ... completed with these scores; at the first rung they have half."""
    search = service.search(**changes)
    for number, score in enumerate(scores):
        service.trial(search, number, score / 2, score, end=TrialStatus.COMPLETED)
    return search


def ask(service, search: str, **request: Any):
    return service.http.post(f"/v1/searches/{search}/full-scale", json={"fidelity": FULL, **request})


def start(service, child: str):
    """Its driver begins; the record of the search."""
    service.store.driver_started(child, service.store.begin_driver(child))
    return service.store.get_search(child)


def measure(service, search: str, child: str, scores, upto: int | None = None) -> None:
    """As the driver does: every chosen trial's architecture with each seed; `scores` by the parent's trial number."""
    record = start(service, child)
    spec = record.spec
    for index, number in enumerate(spec.trials[:upto]):
        architecture = service.store.get_trial(search, number).architecture
        for turn in range(spec.seeds):
            mine = turn * len(spec.trials) + index
            service.store.add_trial(
                child, record.attempt, Proposal(mine, architecture, spec.fidelity, spec.seed + turn)
            )
            spread = 0.01 * (1 if turn else -1) if spec.seeds == 2 else 0.0
            service.store.record_measurement(child, mine, 1, measured(1000, scores[number] + spread, 80.0))
            service.store.finish_trial(child, mine, 1, TrialStatus.COMPLETED)


def ranking(service, search: str, **params: Any):
    return service.http.get(f"/v1/searches/{search}/ranking", params=params)


def problems(reply, status: int) -> dict[str, str]:
    assert reply.status_code == status, reply.text
    return {problem["path"]: problem["message"] for problem in reply.json().get("errors", ())}


def test_a_full_scale_evaluation_is_a_child_of_the_search(service):
    search = searched(service)
    reply = ask(service, search, choose={"how": "stratified", "count": 3}, seeds=2)
    assert reply.status_code == 201, reply.text
    child = reply.json()
    assert reply.headers["Location"] == f"/v1/searches/{child['id']}"
    assert (child["kind"], child["status"], child["planned"]) == ("full_scale", "queued", 6)
    assert (child["name"], child["spec"]["of"]) == ("a search: full scale", search)
    # Best first they are 5 3 1 2 0 4: the best, the middle of 1 2, the middle of 0 4; ordered so that the first
    # ones cover the whole.
    assert child["spec"]["trials"] == [5, 4, 2]
    assert [record.id for record in service.store.children(search)] == [child["id"]]


def test_the_three_ways_to_choose(service):
    search = searched(service)
    assert ask(service, search, choose={"how": "top", "count": 2}).json()["spec"]["trials"] == [5, 3]
    explicit = ask(service, search, choose={"how": "explicit", "trials": [4, 1]}).json()
    assert (explicit["spec"]["trials"], explicit["spec"]["sampling"]) == ([4, 1], "explicit")
    everything = ask(service, search, choose={"how": "stratified", "count": 6}).json()
    assert sorted(everything["spec"]["trials"]) == [0, 1, 2, 3, 4, 5]


def test_a_deeper_rung_comes_before_a_higher_score(service):
    search = service.search()
    service.trial(search, 0, 0.9, end=TrialStatus.PRUNED)
    service.trial(search, 1, 0.1, 0.2, end=TrialStatus.COMPLETED)
    assert ask(service, search, choose={"how": "top", "count": 2}).json()["spec"]["trials"] == [1, 0]


def test_the_same_key_gives_the_same_evaluation_whatever_was_scored_since(service):
    search = searched(service)
    body = {"fidelity": FULL, "choose": {"how": "top", "count": 2}}
    send = lambda body: service.http.post(  # noqa: E731
        f"/v1/searches/{search}/full-scale", json=body, headers={"Idempotency-Key": "again"}
    )
    first = send(body)
    service.trial(search, 6, 0.8, 0.95, end=TrialStatus.COMPLETED)
    second = send(body)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert send({**body, "seeds": 2}).status_code == 409
    assert send({**body, "choose": {"how": "top", "count": 3}}).status_code == 409
    assert send({**body, "choose": {"how": "explicit", "trials": [5, 3]}}).status_code == 409
    spelled_out = {"how": "top", "count": 2}
    assert send({**body, "seeds": 1, "choose": spelled_out}).json()["id"] == first.json()["id"]
    # The same body about another search is another request, even if it led to an equal choice.
    other = searched(service)
    reply = service.http.post(f"/v1/searches/{other}/full-scale", json=body, headers={"Idempotency-Key": "again"})
    assert (reply.status_code, first.json()["id"] in reply.json()["detail"]) == (409, True)


def test_the_own_fidelity_with_a_fresh_seed_says_what_a_rung_is_worth(service):
    """The trials have the seed 7. Half-way all have half of their scores, so both rungs order alike."""
    search = searched(service)
    own = service.spec["fidelity"]
    reply = ask(service, search, fidelity=own, seed=8, choose={"how": "top", "count": 6})
    assert reply.status_code == 201, reply.text
    child = reply.json()["id"]
    record = start(service, child)
    for mine, number in enumerate(record.spec.trials):
        architecture = service.store.get_trial(search, number).architecture
        service.store.add_trial(child, record.attempt, Proposal(mine, architecture, record.spec.fidelity, 8))
        last = record.spec.fidelity.iterations
        service.store.record_measurement(child, mine, 1, measured(last, AT_FULL[number], 80.0))
        service.store.finish_trial(child, mine, 1, TrialStatus.COMPLETED)
    found = ranking(service, search).json()
    assert found["spearman"] == pytest.approx(RHO)
    at_rungs = [(rung["iteration"], rung["spearman"]) for rung in found["rungs"]]
    assert at_rungs == [(rung, pytest.approx(RHO)) for rung in own["rungs"]]


def test_wrong_requests_are_told_by_field(service):
    search = searched(service)
    service.trial(search, 6, 0.1)
    service.trial(search, 7, end=TrialStatus.FAILED)
    own = service.spec["fidelity"]
    wrong = problems(ask(service, search, fidelity=own, seed=7), 422)
    assert "this is the search's own fidelity with a seed of its own" in wrong["fidelity"]
    assert "with seed: 8 beside it" in wrong["fidelity"]
    assert "fidelity" in problems(ask(service, search, fidelity=own, seed=6, seeds=2), 422)
    wrong = problems(ask(service, search, choose={"how": "top", "count": 7}), 422)
    assert wrong == {"choose.count": "7 architectures cannot be chosen: 6 have a score"}
    assert "choose.count" in problems(ask(service, search), 422)
    reply = ask(service, search, choose={"how": "explicit", "trials": [0, 6, 7, 8, 31]})
    assert reply.status_code == 422
    assert "8, 31: there is no such trial; the last one is 7" in reply.json()["detail"]
    assert "6 (running), 7 (failed): only a trial that ended" in reply.json()["detail"]
    assert "named twice" in ask(service, search, choose={"how": "explicit", "trials": [1, 1]}).json()["detail"]
    count = {"choose": {"how": "top", "count": 2}}
    assert (
        "known are: scenes"
        in problems(ask(service, search, fidelity={**FULL, "dataset": "x"}, **count), 422)["fidelity.dataset"]
    )
    weights = {**FULL, "backbone": {"weights": "none"}}
    assert "fidelity.backbone.weights" in problems(ask(service, search, fidelity=weights, **count), 422)
    # Three processes cannot share a batch of 8 equally.
    assert ask(service, search, resources={"workers": 3}, **count).status_code == 422
    wrong = problems(ask(service, search, fidelity={**FULL, "rung": [3]}), 422)
    assert wrong == {"fidelity.rung": "unknown field; did you mean rungs?"}


def test_what_cannot_be_compared(service):
    empty = service.search()
    service.trial(empty, 0, 0.5)
    reply = ask(service, empty)
    assert (reply.status_code, reply.json()["detail"]) == (
        409,
        f"search {empty} (running) has no trial that ended with a score yet",
    )
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}).json()["id"]
    assert search in ask(service, child).json()["detail"]
    assert f"/v1/searches/{search}/ranking?full_scale={child}" in ranking(service, child).json()["detail"]
    unscored, _ = service.store.create_search(AutoDeepLabSpec(name="x", bilevel={"dataset": "scenes"}))
    assert ask(service, unscored.id).status_code == 409
    assert "no `scoring` fidelity" in ask(service, unscored.id).json()["detail"]
    assert ask(service, "s000000000000").status_code == 404


def test_nothing_to_rank_yet(service):
    search = searched(service)
    reply = ranking(service, search)
    assert reply.status_code == 409
    assert f"segnas full-scale {search}" in reply.json()["detail"]
    child = ask(service, search, choose={"how": "top", "count": 5}).json()["id"]
    found = ranking(service, search).json()
    assert (found["n"], found["spearman"], found["interval"], found["pairs"]) == (0, None, None, [])
    assert found["reason"] == "nothing is measured at full scale yet, of 5 chosen architectures"
    measure(service, search, child, AT_FULL, upto=3)
    found = ranking(service, search).json()
    assert (found["n"], found["chosen"], found["spearman"]) == (3, 5, None)
    assert found["reason"] == "3 architectures have both scores; a correlation needs at least 4"
    assert "2 of 5 chosen architectures have no full-scale score (yet): trials 0, 2." in found["warnings"]


def test_the_whole_ranking(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "stratified", "count": 6}, seeds=2).json()["id"]
    measure(service, search, child, AT_FULL)
    found = ranking(service, search).json()
    assert (found["n"], found["sampling"], found["full_scale_searches"]) == (6, "all", [child])
    assert found["spearman"] == pytest.approx(RHO)
    assert found["kendall"] == pytest.approx(stats.kendalltau(PROXY, AT_FULL).statistic)
    assert found["interval"]["low"] < RHO < found["interval"]["high"]
    assert (found["interval"]["method"], found["bootstrap"]["method"]) == ("jackknife on Fisher's z", "BCa bootstrap")
    assert found["p_value"]["method"] == "exact permutation"
    assert found["regret"] == pytest.approx(0.02)  # the proxy takes trial 5, the best is trial 3
    assert found["winner_rank"] == 2.0
    assert [overlap["k"] for overlap in found["overlaps"]] == [1, 3, 5]
    best = found["pairs"][0]
    assert (best["trial"], best["proxy"]["rank"], best["full_scale"]["rank"]) == (3, 2.0, 1.0)
    assert (best["proxy"]["score"], best["proxy"]["iteration"]) == (0.6, 200)
    assert best["full_scale"]["score"] == pytest.approx(0.62)
    assert best["full_scale"]["spread"] == pytest.approx(0.02 / 2**0.5)
    assert (best["full_scale"]["seeds"], len(best["full_scale"]["scores"])) == ([0, 1], 2)
    assert "sep" in best["label"] or "conv" in best["label"] or "pool" in best["label"]
    # Rung 200 takes 4 device-seconds in the fixture.
    assert (found["proxy"]["device_seconds"], found["full_scale"]["device_seconds"]) == (4.0, 80.0)
    assert found["share"] == pytest.approx(0.05)
    assert found["full_scale"]["fidelity"]["rungs"] == [1000]
    assert [(rung["iteration"], rung["n"]) for rung in found["rungs"]] == [(100, 6), (200, 6)]
    assert found["rungs"][0]["spearman"] == pytest.approx(RHO)
    assert (found["rungs"][0]["device_seconds"], found["rungs"][1]["device_seconds"]) == (2.0, 4.0)


def test_early_stopped_trials_have_their_place_below(service):
    search = service.search()
    for number, scores in enumerate([(0.2,), (0.9,), (0.5, 0.3), (0.6, 0.4), (0.7, 0.1)]):
        end = TrialStatus.COMPLETED if len(scores) == 2 else TrialStatus.PRUNED
        service.trial(search, number, *scores, end=end)
    child = ask(service, search, choose={"how": "stratified", "count": 5}).json()["id"]
    # The search's order, best first: 3, 2, 4 (second rung), then 1, 0. Full scale agrees with it.
    measure(service, search, child, [0.1, 0.2, 0.4, 0.5, 0.3])
    found = ranking(service, search).json()
    assert found["spearman"] == pytest.approx(1.0)
    first, second = found["rungs"]
    assert (first["n"], second["n"]) == (5, 3)
    assert first["spearman"] == pytest.approx(stats.spearmanr([0.2, 0.9, 0.5, 0.6, 0.7], [1, 2, 4, 5, 3]).statistic)
    assert "a correlation needs at least 4" in second["reason"]
    assert any("different numbers of architectures (5, 3)" in warning for warning in found["warnings"])


def test_evaluations_at_the_newest_fidelity_are_joined(service):
    search = searched(service)
    other = {**FULL, "rungs": [500]}
    old = ask(service, search, fidelity=other, choose={"how": "top", "count": 4}).json()["id"]
    measure(service, search, old, AT_FULL)
    one = ask(service, search, choose={"how": "top", "count": 2}).json()["id"]
    two = ask(service, search, choose={"how": "explicit", "trials": [0, 2, 3]}, seed=3).json()["id"]
    measure(service, search, one, AT_FULL)
    measure(service, search, two, [score + 0.1 for score in AT_FULL])
    found = ranking(service, search).json()
    assert found["full_scale_searches"] == [one, two]
    assert {pair["trial"] for pair in found["pairs"]} == {0, 2, 3, 5}
    both = next(pair for pair in found["pairs"] if pair["trial"] == 3)["full_scale"]
    assert (both["seeds"], both["score"]) == ([0, 3], pytest.approx(0.67))
    assert found["sampling"] == "explicit"
    assert any("drawn in different ways were joined (explicit, top)" in warning for warning in found["warnings"])
    alone = ranking(service, search, full_scale=old).json()
    assert (alone["n"], alone["sampling"], alone["full_scale"]["fidelity"]["rungs"]) == (4, "top", [500])
    assert any("range is restricted" in warning for warning in alone["warnings"])
    reply = ranking(service, search, full_scale="s000000000000")
    assert (reply.status_code, old in reply.json()["detail"]) == (404, True)
    assert ranking(service, search, full_scale="x").status_code == 422


def test_training_free_scores_keep_their_sign(service):
    search = searched(service)
    child = ask(
        service, search, choose={"how": "top", "count": 6}, training_free=["parameters", "synflow", "zico"]
    ).json()["id"]
    measure(service, search, child, AT_FULL)
    parent = service.store.get_search(search).spec
    for number, score in enumerate(AT_FULL):
        architecture = sample(5, random.Random(number))
        values = {"parameters": (1000 * score, 0.5), "synflow": (-score, 1.5)}
        service.store.add_training_free(child, 1, architecture, parent.fidelity, parent.seed, values)
    parameters, synflow, zico = ranking(service, search).json()["training_free"]
    assert (parameters["name"], parameters["n"], parameters["device_seconds"]) == ("parameters", 6, 0.5)
    assert parameters["spearman"] == pytest.approx(1.0)
    assert (synflow["spearman"], synflow["sign"]) == (pytest.approx(-1.0), 1)
    assert "Tanaka" in synflow["citation"]
    assert (zico["n"], zico["spearman"], zico["device_seconds"]) == (0, None, None)
    assert "a correlation needs" in zico["reason"]


def test_a_reference_search_is_ranked_over_its_heads(service):
    heads = [sample(5, random.Random(number)) for number in range(4)] + [PUBLISHED_CELL]
    spec = ReferenceSpec(name="heads", heads=tuple(heads), seeds=2, fidelity=service.spec["fidelity"])
    search = service.store.create_search(spec)[0].id
    record = start(service, search)
    scores = [(0.2, 0.4), (0.1, 0.2), (0.5, 0.7), (0.3, 0.9), (0.8, 0.8)]  # means .3 .15 .6 .6 .8
    for turn in range(2):
        for index, head in enumerate(heads):
            number = turn * len(heads) + index
            service.store.add_trial(search, record.attempt, Proposal(number, head, spec.fidelity, turn))
            service.store.record_measurement(search, number, 1, measured(200, scores[index][turn], 4.0))
            service.store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
    reply = ask(service, search, choose={"how": "explicit", "trials": [0, 2, 5]})
    assert "0 and 5 are the same architecture; name one of them" in reply.json()["detail"]
    assert ask(service, search, choose={"how": "explicit", "trials": [9, 1]}).json()["spec"]["trials"] == [4, 1]
    assert "5 have a score" in ask(service, search, choose={"how": "top", "count": 6}).json()["detail"]
    child = ask(service, search, fidelity={**FULL, "rungs": [7]}, choose={"how": "top", "count": 5}).json()["id"]
    measure(service, search, child, [0.3, 0.1, 0.5, 0.6, 0.9])
    found = ranking(service, search).json()
    assert (found["n"], found["sampling"]) == (5, "all")
    assert found["spearman"] == pytest.approx(stats.spearmanr([2, 1, 3.5, 3.5, 5], [2, 1, 3, 4, 5]).statistic)
    assert found["pairs"][0]["label"] == "published DPC"
    assert found["pairs"][1]["proxy"]["rank"] == 2.5
    assert found["rungs"][1]["n"] == 5
    assert found["rungs"][0]["n"] == 0


def test_a_stopped_evaluation_keeps_what_it_measured(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "stratified", "count": 6}).json()["id"]
    measure(service, search, child, AT_FULL, upto=4)
    service.store.move_search(child, [SearchStatus.RUNNING], SearchStatus.STOPPING)
    service.store.finish_search(child, 1, SearchStatus.STOPPED)
    found = ranking(service, search).json()
    assert (found["n"], found["chosen"]) == (4, 6)
    assert found["spearman"] is not None


def test_full_scale_has_a_crop_that_fits_the_maps(service):
    search = searched(service)
    fidelity = {**FULL, "crop": [520, 520]}
    reply = ask(service, search, choose={"how": "explicit", "trials": [0, 1]}, fidelity=fidelity)
    assert reply.status_code == 422
    (problem,) = reply.json()["errors"]
    assert problem["path"] == "fidelity.crop"
    assert problem["message"].startswith("trial 0: crop [520, 520] does not fit output stride 16: each side must be")


def test_full_scale_has_the_maps_that_the_chosen_heads_read(service):
    several = {**service.spec["fidelity"], "backbone": {"levels": [8, 16]}}
    spec = ReferenceSpec(name="heads", heads=("aspp", "segformer"), seeds=1, fidelity=several)
    search = service.store.create_search(spec)[0].id
    record = start(service, search)
    for number, head in enumerate(spec.heads):
        service.store.add_trial(search, record.attempt, Proposal(number, head, spec.fidelity, 0))
        service.store.record_measurement(search, number, 1, measured(200, 0.5 + number / 10, 4.0))
        service.store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
    reply = ask(service, search, choose={"how": "explicit", "trials": [0, 1]})
    assert reply.status_code == 422
    (problem,) = reply.json()["errors"]
    assert problem["path"] == "fidelity.backbone.levels"
    assert problem["message"].startswith("trial 1: segformer reads several feature maps")
    assert ask(service, search, choose={"how": "explicit", "trials": [0]}).status_code == 201
