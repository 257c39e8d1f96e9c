"""Trials over HTTP: pages, curves, the best as a document."""

from __future__ import annotations

import base64
import hashlib
import random
import re

import pytest

from nas.drawing.draw import draw
from nas.results.status import TrialStatus
from search_spaces import read_architecture
from search_spaces.dense_cell.space import sample


@pytest.fixture(scope="module")
def search(service):
    """Five trials: two completed, one pruned, one failed, one without a score."""
    found = service.search()
    service.trial(found, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(found, 1, 0.3, 0.6, end=TrialStatus.COMPLETED)
    service.trial(found, 2, 0.1, end=TrialStatus.PRUNED)
    service.trial(found, 3)
    service.store.finish_trial(found, 3, 1, TrialStatus.FAILED, "loss is NaN")
    service.trial(found, 4)
    return found


def numbers(service, search, **params: object):
    return [t["number"] for t in service.http.get(f"/v1/searches/{search}/trials", params=params).json()["items"]]


def test_orders_and_filters(service, search):
    assert numbers(service, search) == [0, 1, 2, 3, 4]
    assert numbers(service, search, order_by="-number") == [4, 3, 2, 1, 0]
    assert numbers(service, search, order_by="-score") == [1, 0, 2, 3, 4]
    assert numbers(service, search, order_by="miou") == [2, 0, 1, 3, 4], "deeper rungs come later, then higher scores"
    assert numbers(service, search, order_by="-device_seconds") == [0, 1, 2, 3, 4], "2 has one rung, 3 and 4 none"
    assert numbers(service, search, status="completed") == [0, 1]
    assert numbers(service, search, status="failed") == [3]


def test_a_place_of_a_shallower_rung_is_explained(service):
    early = service.search()
    service.trial(early, 0, 0.1, 0.5, end=TrialStatus.COMPLETED, judged=False)
    service.trial(early, 1, 0.3, 0.6, end=TrialStatus.COMPLETED, judged=True)
    service.trial(early, 2, 0.2, end=TrialStatus.PRUNED)
    first, second = service.store.get_search(early).spec.fidelity.rungs[:2]
    trials = service.http.get(f"/v1/searches/{early}/trials", params={"order_by": "-score"}).json()["items"]
    assert [(trial["number"], trial["iteration"], trial["placed"]) for trial in trials] == [
        (1, second, ""),
        (2, first, ""),
        (0, second, f"placed by 0.1000 at {first}, which it passed unjudged"),
    ]
    report = service.http.get(f"/v1/searches/{early}/report").text
    assert trials[2]["placed"] in report


def test_pages_join_to_the_whole(service, search):
    assert joined(service, search, "-score") == [1, 0, 2, 3, 4]
    assert joined(service, search, "-seconds") == [0, 1, 2, 3, 4]


def joined(service, search, order: str) -> list[int]:
    seen, cursor = [], None
    while True:
        params = {"order_by": order, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = service.http.get(f"/v1/searches/{search}/trials", params=params).json()
        seen += [trial["number"] for trial in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"order_by": "speed"}, "order_by"),
        ({"status": "asleep"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "zz"}, "cursor"),
    ],
)
def test_bad_parameters_name_the_parameter(service, search, params, path):
    reply = service.http.get(f"/v1/searches/{search}/trials", params=params)
    assert reply.status_code == 422
    assert [error["path"] for error in reply.json()["errors"]] == [path]


def test_one_trial_with_its_curve(service, search):
    trial = service.http.get(f"/v1/searches/{search}/trials/0").json()
    assert (trial["score"], trial["iteration"], trial["status"], trial["seed"]) == (0.5, 200, "completed", 7)
    assert [(point["iteration"], point["score"]) for point in trial["curve"]] == [(100, 0.25), (200, 0.5)]
    assert trial["curve"][1]["class_iou"] == [0.5, None]
    assert trial["class_names"] == []  # the data set registered here has 19
    assert trial["document"]["provenance"]["trial"] == 0
    failed = service.http.get(f"/v1/searches/{search}/trials/3").json()
    assert (failed["reason"], failed["curve"]) == ("loss is NaN", [])


@pytest.mark.parametrize(("number", "status"), [("5", 404), ("-1", 422), ("x", 422), ("99999999999999999999", 422)])
def test_trials_that_are_not_there(service, search, number, status):
    assert service.http.get(f"/v1/searches/{search}/trials/{number}").status_code == status


def test_the_best_is_a_document_that_rebuilds_the_cell(service, search):
    document = service.http.get(f"/v1/searches/{search}/best").json()
    cell = sample(5, random.Random(1))
    assert read_architecture(document).architecture == cell
    provenance = document["provenance"]
    assert (provenance["search"], provenance["trial"], provenance["seed"]) == (search, 1, 7)
    assert provenance["fidelity"]["rungs"] == [100, 200]
    assert provenance["scores"] == [{"iteration": 100, "score": 0.3}, {"iteration": 200, "score": 0.6}]
    assert provenance["software"] == {"torch": "2.13.0"}  # what the driver found, not what serves


def test_the_best_in_deeplabs_form(service, search):
    entries = service.http.get(f"/v1/searches/{search}/best", params={"format": "deeplab"}).json()
    assert isinstance(entries, list)
    assert read_architecture(entries).architecture == sample(5, random.Random(1))
    assert service.http.get(f"/v1/searches/{search}/best", params={"format": "onnx"}).status_code == 422


def test_no_best_before_any_score(service):
    reply = service.http.get(f"/v1/searches/{service.search()}/best")
    assert reply.status_code == 404
    assert "measured nothing yet" in reply.json()["detail"]


def test_a_trial_is_drawn_on_the_crop_it_is_measured_on(service, search):
    reply = service.http.get(f"/v1/searches/{search}/trials/4/drawing")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/svg+xml")
    assert reply.text == draw(service.http.get(f"/v1/searches/{search}/trials/4").json()["document"]).svg
    assert "33&#215;33 cells (crop 513&#215;513 at stride 16)" in reply.text
    small = service.search(fidelity={**service.spec["fidelity"], "crop": [257, 513]})
    service.trial(small, 0)
    assert "17&#215;33 cells" in service.http.get(f"/v1/searches/{small}/trials/0/drawing").text
    assert service.http.get(f"/v1/searches/{search}/trials/5/drawing").status_code == 404


def test_the_policy_allows_the_style_of_a_drawing_and_no_other(service, search):
    reply = service.http.get(f"/v1/searches/{search}/trials/0/drawing")
    (style,) = re.findall("<style>(.*?)</style>", reply.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}';" in reply.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in reply.headers["Content-Security-Policy"]
