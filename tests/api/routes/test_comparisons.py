"""Searches side by side over HTTP, with curves that can be added up by hand."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec
from tests.api.routes.test_confirmations import HEADS, measure
from tests.api.routes.test_pareto import LATENCY
from tests.api.routes.test_rankings import searched
from tests.api.test_input import refused
from tests.builders import dense_cell, measured


def compare(service, *ids: str) -> dict[str, Any]:
    reply = service.http.get("/v1/comparison", params={"search": list(ids)})
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.fixture(scope="module")
def two(service) -> tuple[str, str]:
    """Trials cost 2 s at the first rung and 4 s at the second."""
    first, second = service.search(name="first"), service.search(name="second", seed=5)
    for number, scores in enumerate([(0.3, 0.4), (0.2,), (0.4, 0.35), (0.5, 0.6)]):
        end = TrialStatus.COMPLETED if len(scores) == 2 else TrialStatus.PRUNED
        service.trial(first, number, *scores, end=end)
    service.trial(second, 0, 0.4, 0.5, end=TrialStatus.COMPLETED)
    return first, second


def test_curves_winners_and_settings(service, two):
    found = compare(service, *two)
    first, second = found["searches"]
    assert (first["id"], second["id"]) == two
    assert first["steps"] == [
        {"trials": 1, "device_seconds": 4.0, "value": 0.4},
        {"trials": 4, "device_seconds": 14.0, "value": 0.6},
    ]
    assert (first["winner"]["trial"], first["winner"]["rung"], first["winner"]["score"]) == (3, 200, 0.6)
    assert first["winner"]["drawing"] == f"/v1/searches/{two[0]}/trials/3/drawing"
    assert service.http.get(first["winner"]["drawing"]).text.startswith("<svg")
    assert found["settings"] == [{"path": "seed", "values": ["0", "5"]}]
    assert found["comparable"]
    assert found["notes"][0] == "The best scores were measured alike: at the same fidelity and rung."
    curves, best, settings = found["panels"]
    over_time, over_trials = curves["panels"]
    assert over_time["x_text"] == "device time, seconds"
    assert over_time["lines"][0]["points"] == [[4.0, 0.4], [14.0, 0.6], [14.0, 0.6]]
    assert over_trials["lines"][0]["points"] == [[1, 0.4], [4, 0.6], [4, 0.6]]
    assert [line["mark"] for line in over_time["lines"]] == ["series1", "series2"]
    assert best["rows"][0] == ["best mIoU", "0.6000", "0.5000"]
    assert settings["rows"] == [["seed", "0", "5"]]


def test_every_kind_beside_every_other(service, every_kind):
    found = compare(service, *every_kind.values())
    assert [search["kind"] for search in found["searches"]] == list(every_kind)
    assert not found["comparable"]
    fidelities, rungs = found["notes"][:2]
    apart = [every_kind[kind] for kind in ("full_scale", "calibration")]
    assert fidelities.startswith("The fidelities differ in rungs: compare scores only within ")
    assert fidelities.endswith(f"; {' and '.join(apart)}.")
    assert rungs.endswith(f"; {' and '.join(apart)} (iteration 1,000).")
    assert found["settings"][0] == {"path": "kind", "values": list(every_kind)}
    # Two runs of 5 epochs come before the trials, each of 40 s an epoch; a trial takes 20 s.
    trellis = found["searches"][1]
    assert [step["device_seconds"] for step in trellis["steps"]] == [400 + 20, 400 + 40]


def by_class(service, name: str, objective: object, *points: tuple[float, float]) -> str:
    """A search with trials of this mIoU, and this value of the objective."""
    search = service.search(name=name, objectives=[objective])
    fidelity = service.store.get_search(search).spec.fidelity
    for number, (miou, value) in enumerate(points):
        service.store.add_trial(search, 1, Proposal(number, dense_cell(number), fidelity, 0))
        point = measured(fidelity.iterations, miou, 4.0, latency=LATENCY)
        service.store.record_measurement(search, number, 1, point, value=value)
        service.store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
    return search


CAR = {"class_iou": "car", "number": 13}


def test_the_objective_of_each_search_says_what_its_best_is(service):
    car = by_class(service, "cars", CAR, (0.8, 0.3), (0.6, 0.5), (0.9, 0.4))
    worst = by_class(service, "worst", "worst_class_iou", (0.7, 0.2))
    again = by_class(service, "more cars", CAR, (0.7, 0.45))
    same = compare(service, car, again)
    first, _ = same["searches"]
    assert same["comparable"]
    assert (first["objective"], first["winner"]["trial"], first["winner"]["value"]) == ("IoU of car", 1, 0.5)
    assert (first["winner"]["score"], first["winner"]["latency"]["median_ms"]) == (0.6, 2.5)
    assert [(step["trials"], step["value"]) for step in first["steps"]] == [(1, 0.3), (2, 0.5)]
    curves, best, _ = same["panels"]
    assert [chart["title"] for chart in curves["panels"]] == [
        "Best IoU of car over device time",
        "Best IoU of car over trials",
    ]
    assert curves["panels"][0]["lines"][0]["points"][-1] == [12.0, 0.5]
    rows = {row[0]: row[1:] for row in best["rows"]}
    assert rows["best IoU of car"] == ["0.5000", "0.4500"]
    assert rows["by the objective"] == ["IoU of car", "IoU of car"]
    assert (rows["its mIoU"], rows["latency"]) == (["0.6000", "0.7000"], ["2.50 ms", "2.50 ms"])
    other = compare(service, car, worst)
    assert not other["comparable"]
    assert other["notes"][0] == (
        f"The objectives differ: compare scores only within {car} (IoU of car); {worst} (worst class's IoU)."
    )
    assert other["panels"][1]["rows"][0] == ["best value", "0.5000", "0.2000"]
    assert other["panels"][0]["panels"][1]["title"] == "Best value of each search's own objective over trials"
    assert service.http.get(f"/v1/searches/{car}").json()["best"]["worth"] == "0.5000 IoU of car, 0.6000 mIoU"
    report = service.http.get(f"/v1/searches/{car}/report").text
    assert "Trial 1: 0.5000 IoU of car, 0.6000 mIoU at iteration" in report
    assert '<th scope="col" class="number">IoU of car</th>' in report
    assert "Best mIoU" not in report


def test_the_winner_of_a_confirmation_is_never_a_reference(service):
    search = searched(service)
    request = {"choose": {"how": "top", "count": 2}, "references": HEADS, "seeds": 2}
    child = service.http.post(f"/v1/searches/{search}/confirmation", json=request).json()["id"]
    measure(service, child, [0.5, 0.55, 0.4, 0.6])
    found = service.http.get(f"/v1/searches/{child}/confirmation").json()
    winner = compare(service, search, child)["searches"][1]["winner"]
    trial = service.store.get_trial(child, winner["trial"])
    assert (trial.architecture_key, winner["trial"], winner["value"]) == (found["winner"], 1, 0.55)


def test_before_any_score_and_without_networks(service, snapshot_at):
    waiting = service.search(running=False)
    bilevel = BilevelSpec(dataset="scenes", crop=(65, 65))
    record, _ = service.store.create_search(AutoDeepLabSpec(name="unscored", bilevel=bilevel))
    service.store.add_snapshot(record.id, service.store.begin_driver(record.id), 0, snapshot_at(3, supernet_miou=0.25))
    found = compare(service, waiting, record.id)
    nothing, unscored = found["searches"]
    assert nothing["winner"] is None
    assert (unscored["winner"]["trial"], unscored["winner"]["score"]) == (None, None)
    assert service.http.get(unscored["winner"]["drawing"]).text.startswith("<svg")
    assert found["notes"] == []
    rows = {row[0]: row[1:] for row in found["panels"][1]["rows"]}
    assert rows["best mIoU"] == ["", "0.2500 (supernet)"]
    assert rows["trial"] == ["", "run 0, epoch 3"]


def test_what_is_refused(service, two):
    for ids, sentence in (
        ([two[0]], "name 2 to 8 searches to compare, not 1"),
        ([f"s{number:012x}" for number in range(9)], "name 2 to 8 searches to compare, not 9"),
        ([two[0], two[1], two[0]], f"{two[0]} is named twice; name different searches to compare"),
    ):
        (error,) = refused(service.http.get("/v1/comparison", params={"search": ids}))["errors"]
        assert (error["path"], error["message"]) == ("search", sentence)
    assert service.http.get("/v1/comparison", params={"search": [two[0], "s000000000000"]}).status_code == 404
    assert service.http.get("/v1/comparison", params={"search": [two[0], "../etc"]}).status_code == 404
