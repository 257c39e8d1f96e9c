"""The first search that the service proposes: accepted as it is, and of a size that the images have."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from nas.first_search import LEAST_VALIDATION
from nas.settings import DatasetEntry
from search_spaces.validation import InputError

pytestmark = pytest.mark.slow


def voc(root, count: int, size: tuple[int, int], validation: int = 1):
    """A data set of the layout voc2012 with so many training images of a (height, width), and some for validation."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = [f"image{index}" for index in range(count + validation)]
    for split, listed in (("train", names[validation:]), ("val", names[:validation])):
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(listed))
    for name in names:
        pixels = np.zeros(size, np.uint8)
        Image.fromarray(np.stack([pixels] * 3, axis=-1)).save(root / "JPEGImages" / f"{name}.jpg")
        Image.fromarray(pixels, mode="L").save(root / "SegmentationClass" / f"{name}.png")
    return DatasetEntry(layout="voc2012", root=root)


def test_it_is_accepted_as_it_is_and_fits_the_images(home, serve, tmp_path):
    entry = voc(tmp_path / "voc", 3, (100, 210))
    service = serve(home.model_copy(update={"datasets": {"plants": entry}}))
    found = service.http.get("/v1/first-search").json()
    request = found["request"]
    assert request["fidelity"]["dataset"] == "plants"
    assert request["fidelity"]["crop"] == [96, 192]
    assert request["fidelity"]["batch"] == 3
    assert service.http.get("/v1/first-search?dataset=plants").json() == found
    reply = service.http.post("/v1/searches", json=request, params={"dry_run": True})
    assert reply.status_code == 200, reply.text
    assert reply.json()["facts"][0] == {"name": "search", "text": "first on plants: gp on plants"}
    for choice in found["backbones"]:
        changed = {**request, "fidelity": {**request["fidelity"], "backbone": choice["backbone"]}}
        assert service.http.post("/v1/searches", json=changed, params={"dry_run": True}).status_code == 200
    assert [choice["name"] for choice in found["strategies"]][:2] == ["random", "dpc"]
    for choice in found["strategies"]:
        changed = {**request, "strategy": {"name": choice["name"]}}
        assert service.http.post("/v1/searches", json=changed, params={"dry_run": True}).status_code == 200
        assert len(choice["text"]) > 20


@pytest.mark.parametrize("validation", [1, LEAST_VALIDATION])
@pytest.mark.parametrize("search", ["networks", "differentiable"])
def test_networks_are_accepted_as_they_are_and_fit_the_images(home, serve, tmp_path, search, validation):
    entry = voc(tmp_path / "voc", 9, (100, 210), validation)
    service = serve(home.model_copy(update={"datasets": {"plants": entry}}))
    found = service.http.get(f"/v1/first-search?search={search}").json()
    assert found["backbones"] == []
    assert [choice["name"] for choice in found["searches"]] == ["cells", "networks", "differentiable"]
    request = found["request"]
    fidelity = request["fidelity" if search == "networks" else "scoring"]
    assert (fidelity["crop"], fidelity["batch"]) == ([96, 192], 8)
    assert ("holdout" in fidelity, "confirm" in request) == (validation > 1, validation > 1)
    reply = service.http.post("/v1/searches", json=request, params={"dry_run": True})
    assert reply.status_code == 200, reply.text
    assert reply.json()["worth_panels"] == []
    names = [choice["name"] for choice in found["strategies"]]
    assert names == ([] if search == "differentiable" else ["random", "dpc", "evolution", "tpe", "gp", "reinforce"])
    for name in names:
        changed = {**request, "strategy": {"name": name}}
        assert service.http.post("/v1/searches", json=changed, params={"dry_run": True}).status_code == 200


def test_runs_take_few_crops_of_few_images(home, serve, tmp_path):
    entry = voc(tmp_path / "voc", 4, (100, 210))
    service = serve(home.model_copy(update={"datasets": {"plants": entry}}))
    request = service.http.get("/v1/first-search?search=differentiable").json()["request"]
    assert (request["bilevel"]["batch"], request["scoring"]["batch"]) == (2, 4)
    assert service.http.post("/v1/searches", json=request, params={"dry_run": True}).status_code == 200
    assert service.http.get("/v1/first-search?search=heads").status_code == 422


def test_a_data_set_that_cannot_be_read_gets_a_usual_size(service):
    request = service.http.get("/v1/first-search?dataset=scenes").json()["request"]
    assert (request["fidelity"]["crop"], request["fidelity"]["batch"]) == ([128, 128], 8)


def test_an_unknown_data_set_is_refused(service, home, serve):
    reply = service.http.get("/v1/first-search?dataset=others")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["message"].startswith("no data set 'others'; known are: scenes")
    empty = serve(home.model_copy(update={"datasets": {}, "home": home.home / "other"}))
    assert "none is registered: `segnas data add` registers one" in empty.http.get("/v1/first-search").json()["detail"]


def test_a_large_validation_split_is_halved_and_the_forecast_says_what_follows(home, serve, tmp_path):
    entry = voc(tmp_path / "voc", 3, (70, 70), LEAST_VALIDATION)
    service = serve(home.model_copy(update={"datasets": {"plants": entry}}))
    request = service.http.get("/v1/first-search").json()["request"]
    assert (request["confirm"], request["fidelity"]["holdout"]) == ({"top": 2}, {"share": 0.5})
    facts = service.http.post("/v1/searches", json=request, params={"dry_run": True}).json()["facts"]
    (then,) = (fact["text"] for fact in facts if fact["name"] == "then")
    assert "2 best" in then


def test_the_error_is_a_field():
    from api.first_search import first_search
    from nas.settings import Settings

    with pytest.raises(InputError, match="no data set 'x'"):
        first_search(Settings(datasets={}), "x")
