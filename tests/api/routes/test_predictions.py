"""Predictions over HTTP: which images, their pictures, how long a browser may keep them, and where they lead."""

from __future__ import annotations

import pytest

from nas.results.status import TrialStatus
from tests.builders import predictions


@pytest.fixture(scope="module")
def search(service):
    """Three trials: one with predictions, one without, one that has measured nothing."""
    found = service.search()
    service.trial(found, 0, 0.25, end=None)
    service.store.record_predictions(found, 0, 1, predictions(100, agreement=(0.4, None)))
    service.trial(found, 1, 0.3, end=TrialStatus.PRUNED)
    service.trial(found, 2)
    return found


@pytest.fixture(scope="module")
def listed(service, search):
    reply = service.http.get(f"/v1/searches/{search}/trials/0/predictions")
    assert reply.status_code == 200
    return reply.json()


def test_what_is_predicted_on_which_image(listed):
    assert listed["iteration"] == 100
    assert (listed["class_names"], listed["colours"]) == (["road", "sky"], ["#804080", "#4682b4"])
    first, second = listed["images"]
    assert (first["row"], first["mask_classes"], first["predicted_classes"]) == (1, [0, 1], [1])
    assert (first["agreement"], second["agreement"]) == (0.4, None)


def test_the_pictures_are_those_that_were_recorded(service, listed):
    recorded = predictions()
    for place, image in enumerate(listed["images"]):
        for layer, kind, contents in (
            ("image", "image/jpeg", recorded.examples.images),
            ("mask", "image/png", recorded.examples.masks),
            ("prediction", "image/png", recorded.maps),
        ):
            reply = service.http.get(image[layer])
            assert (reply.status_code, reply.headers["Content-Type"]) == (200, kind)
            assert reply.content == contents[place]
            assert reply.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_a_picture_is_sent_once(service, search, listed):
    """The address without the digest is asked for again each time, and answered without the picture."""
    plain, _, digest = listed["images"][0]["prediction"].partition("?v=")
    first = service.http.get(plain)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["ETag"] == f'"{digest}"'
    again = service.http.get(plain, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = service.http.get(plain, params={"v": "0" * 16}, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.headers["Cache-Control"]) == (200, "private, no-cache")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("trials/1/predictions", 404, "there are no predictions of trial 1 of search {id} to look at: they are kept"),
        ("trials/2/predictions", 404, "it has measured nothing yet"),
        ("trials/9/predictions", 404, "there is no trial 9"),
        ("trials/2/predictions/0/mask", 404, "it has measured nothing yet"),
        ("trials/0/predictions/2/mask", 404, "there is no image 2: the 2 images are numbered from 0"),
        ("trials/0/predictions/0/depth", 422, ""),
        ("trials/0/predictions/-1/mask", 422, ""),
    ],
)
def test_what_is_not_there(service, search, path, status, sentence):
    reply = service.http.get(f"/v1/searches/{search}/{path}")
    assert reply.status_code == status
    assert sentence.format(id=search) in reply.json()["detail"]


def test_the_page_shows_them_where_there_are_some(service, search, listed):
    first = service.http.get(f"/v1/searches/{search}/trials/0/panels").json()[0]
    assert first["type"] == "pictures"
    assert [picture["path"] for picture in first["rows"][0]["pictures"]] == [
        listed["images"][0][layer] for layer in ("image", "mask", "prediction")
    ]
    without = service.http.get(f"/v1/searches/{search}/trials/1/panels").json()
    assert "pictures" not in [panel["type"] for panel in without]


def links(service, search_id: str, number: int) -> list[tuple[str, str]]:
    found = service.http.get(f"/v1/searches/{search_id}/trials/{number}/panels").json()
    return [(line["text"], line["target"]) for panel in found if panel["type"] == "links" for line in panel["links"]]


def test_a_trial_leads_to_what_it_came_from(service, every_kind):
    full, black_box = every_kind["full_scale"], every_kind["black_box"]
    assert links(service, full, 2) == [("It measures again", f"#/{black_box}/2")]
    assert links(service, black_box, 2) == [("Measured again as", f"#/{full}/2")]
    assert links(service, black_box, 7) == []
    run = every_kind["auto_deeplab"]
    assert links(service, run, 1) == [("Its network was decoded from run 0 of", f"#/{run}")]
    heads = every_kind["reference"]
    (again,) = links(service, heads, 0)
    assert again[0] == "The same architecture with seed 1:"
    assert links(service, heads, int(again[1].rpartition("/")[2])) == [
        ("The same architecture with seed 0:", f"#/{heads}/0")
    ]
    calibration = links(service, every_kind["calibration"], 0)
    assert [text for text, _ in calibration] == ["The same architecture with seed 0, at another fidelity:"] * 2
