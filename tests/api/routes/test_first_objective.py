"""Rankings and confirmations of a search that goes by a class's IoU: they compare that, and not the mIoU."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import ClassIou, ConfirmationSpec, FullScaleSpec, objective_at
from tests.api.routes.test_rankings import ranking, start
from tests.builders import dense_cell, measured

CAR = {"class_iou": "car", "number": 13}
"""The class `car` of the generated scenes."""

IOUS = (0.10, 0.30, 0.20, 0.50, 0.40)
"""Of class `car` at the last rung of trials 0 to 4; half at the first, but for trial 0, which leads there."""

FIRST = (0.45, 0.15, 0.10, 0.25, 0.20)
FULL = (0.15, 0.35, 0.40, 0.60, 0.50)
"""Ranks 5 4 3 1 2, of IOUS 5 3 4 1 2."""


def by_car(iteration: int, iou: float, **changes: Any) -> Measurement:
    """A measurement whose mIoU says the opposite of the class's IoU."""
    return measured(iteration, 1 - iou, class_iou=(*(None,) * 13, iou), **changes)


def add(service, search: str, proposal: Proposal, *points: Measurement) -> None:
    """A completed trial, as the driver records it: with the value of its own search's objective."""
    record = service.store.get_search(search)
    service.store.add_trial(search, record.attempt, proposal)
    for point in points:
        value = record.spec.goals.value(point)
        service.store.record_measurement(search, proposal.number, 1, point, value=value)
    service.store.finish_trial(search, proposal.number, 1, TrialStatus.COMPLETED)


@pytest.fixture
def search(service) -> str:
    found: str = service.search(objectives=[CAR])
    fidelity = service.store.get_search(found).spec.fidelity
    for number, (first, last) in enumerate(zip(FIRST, IOUS, strict=True)):
        points = (by_car(100, first), by_car(200, last))
        add(service, found, Proposal(number, dense_cell(number), fidelity, 0), *points)
    return found


def full_scale(service, search: str, **fidelity: Any):
    body = {"fidelity": {"dataset": "scenes", "rungs": [1000], **fidelity}, "choose": {"how": "stratified", "count": 5}}
    return service.http.post(f"/v1/searches/{search}/full-scale", json=body)


def test_a_ranking_compares_the_first_objective_at_every_rung(service, search):
    child = full_scale(service, search).json()
    assert (child["objectives"], child["spec"]["objectives"]) == (["IoU of car"], [CAR])
    start(service, child["id"])
    spec = service.store.get_search(child["id"]).spec
    assert isinstance(spec, FullScaleSpec)
    for number, trial in enumerate(spec.trials):
        proposal = Proposal(number, dense_cell(trial), spec.fidelity, spec.seed)
        add(service, child["id"], proposal, by_car(1000, FULL[trial], seconds=80.0))
    found = ranking(service, search).json()
    assert found["objective"] == {"text": "IoU of car", "direction": "maximise"}
    assert found["spearman"] == pytest.approx(1 - 6 * 2 / 120)
    assert {rung["iteration"]: rung["spearman"] for rung in found["rungs"]} == {
        100: pytest.approx(stats.spearmanr(FIRST, FULL).statistic),
        200: pytest.approx(0.9),
    }
    assert [(pair["trial"], pair["proxy"]["score"], pair["full_scale"]["score"]) for pair in found["pairs"]] == [
        (trial, IOUS[trial], FULL[trial]) for trial in (3, 4, 2, 1, 0)
    ]
    assert found["regret"] == 0.0
    text, row, *_ = service.http.get(f"/v1/searches/{child['id']}/panels").json()
    assert text["lines"][-1] == "Compared by IoU of car, the first objective of the search: higher is better."
    assert (row["panels"][0]["x_text"], row["panels"][0]["y_text"]) == (
        "IoU of car in the search",
        "IoU of car at full scale",
    )


def test_an_evaluation_by_another_objective_is_not_joined_and_says_so(service, search):
    """As an older version recorded it: by mIoU."""
    spec = FullScaleSpec(
        name="old", of=search, sampling="explicit", trials=(0, 1), fidelity={"dataset": "scenes", "rungs": (1000,)}
    )
    old, _ = service.store.create_search(spec, parent=search)
    start(service, old.id)
    add(service, old.id, Proposal(0, dense_cell(0), spec.fidelity, 0), by_car(1000, 0.9))
    (warning,) = [line for line in ranking(service, search).json()["warnings"] if "scored by" in line]
    assert warning.startswith("Full scale was scored by mIoU and the search by IoU of car")
    new = full_scale(service, search).json()["id"]
    assert ranking(service, search).json()["full_scale_searches"] == [new]


def test_a_confirmation_compares_the_first_objective(service, search):
    request = {"choose": {"how": "top", "count": 2}, "references": [{"name": "aspp", "channels": 16}], "seeds": 2}
    child = service.http.post(f"/v1/searches/{search}/confirmation", json=request).json()
    start(service, child["id"])
    spec = service.store.get_search(child["id"]).spec
    assert isinstance(spec, ConfirmationSpec)
    assert (spec.trials, spec.objectives) == ((3, 4), (ClassIou.model_validate(CAR),))
    architectures = (dense_cell(3), dense_cell(4), *spec.references)
    for number in range(spec.planned):
        turn, index = divmod(number, len(architectures))
        point = by_car(200, (0.30, 0.45, 0.20)[index] + 0.01 * turn)
        add(service, child["id"], Proposal(number, architectures[index], spec.fidelity, spec.seed + turn), point)
    service.finish(child["id"])
    found = service.http.get(f"/v1/searches/{search}/confirmation").json()
    assert found["objective"] == {"text": "IoU of car", "direction": "maximise"}
    assert [row["found_score"] for row in found["rows"]] == [0.50, 0.40, None]
    assert [row["mean"] for row in found["rows"]] == [pytest.approx(mean) for mean in (0.305, 0.455, 0.205)]
    assert found["winner"] == found["rows"][1]["architecture_key"]
    assert found["sentence"].startswith(f"Gain: trial 4 of {search} scores +0.250 ± 0.000 IoU of car against ASPP")
    assert service.http.get(f"/v1/searches/{search}/best").json()["provenance"]["confirmed"]["score"] == pytest.approx(
        0.455
    )
    table = service.http.get(f"/v1/searches/{child['id']}/panels").json()[1]
    assert "IoU of car" in [column["text"] for column in table["columns"]]


def test_a_class_is_looked_for_by_name_in_another_data_set(service, search):
    (problem,) = full_scale(service, search, dataset="elsewhere").json()["errors"]
    assert problem["path"] == "fidelity.dataset"
    assert "'elsewhere' is not registered here" in problem["message"]
    assert objective_at(ClassIou.model_validate(CAR), elsewhere=True) == ClassIou(class_iou="car")
    assert objective_at(ClassIou.model_validate(CAR), elsewhere=False) == ClassIou.model_validate(CAR)
