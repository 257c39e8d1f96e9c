"""Spaces, data sets, health, pages."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from nas.data import survey
from nas.data.entry import DatasetEntry


def test_spaces_count_what_they_hold(service):
    (space,) = [space for space in service.http.get("/v1/spaces").json() if space["kind"] == "dense_cell"]
    assert space["size"] == "418414128120"
    for operators, count in (("plain", 81), ("extended", 92)):
        for branches in range(1, 11):
            size = space["sizes"][f"branches={branches}, operators={operators}"]
            assert int(size) == math.factorial(branches) * count**branches
            two = space["sizes"][f"branches={branches}, operators={operators}, levels=[8, 16]"]
            assert int(two) == math.factorial(branches + 1) * count**branches
    assert space["spec_schema"]["properties"]["branches"]["maximum"] == 10
    assert {"levels", "channels", "limit"} <= space["spec_schema"]["properties"].keys()


def test_the_differentiable_space_is_counted_as_the_paper_does(service):
    (space,) = [space for space in service.http.get("/v1/spaces").json() if space["kind"] == "auto_deeplab"]
    cells = math.prod(((block + 2) * 8) ** 2 for block in range(5))
    assert int(space["size"]) == cells * 75_025  # paths over 12 layers that begin at stride 4 or 8
    assert space["sizes"]["blocks=5, layers=12"] == space["size"]
    assert space["spec_schema"]["properties"]["layers"]["default"] == 12


def test_reference_heads_are_listed_by_name(service):
    (space,) = [space for space in service.http.get("/v1/spaces").json() if space["kind"] == "reference_head"]
    assert (space["size"], space["sizes"]) == ("11", {"one level": "11", "several levels": "16"})
    assert all(name in space["description"] for name in ("aspp_separable", "segformer", "published_dpc"))
    assert "channels" in space["spec_schema"]["properties"]


def test_a_missing_data_set_says_so_without_its_path(service):
    (data,) = service.http.get("/v1/datasets").json()
    assert (data["name"], data["layout"], data["available"]) == ("scenes", "cityscapes", False)
    assert data["problem"]
    assert "secret-place" not in service.http.get("/v1/datasets").text


def test_a_data_set_that_is_fetched_later_says_so_without_its_url(serve, home):
    entry = DatasetEntry(layout="voc2012", root=home.folder / "voc", url="s3://secret-bucket/voc")
    service = serve(home.model_copy(update={"datasets": {"later": entry}}))
    (data,) = service.http.get("/v1/datasets").json()
    assert (data["name"], data["layout"], data["available"]) == ("later", "voc2012", False)
    assert data["problem"] == "it is fetched from its URL by the first search that needs it"


def test_a_data_set_that_is_there_is_listed_once(serve, home, monkeypatch):
    root = home.datasets["scenes"].root
    for split in ("train", "val"):
        for kind, suffix in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_labelIds")):
            folder = root / kind / split / "town"
            folder.mkdir(parents=True)
            Image.new("RGB" if kind == "leftImg8bit" else "L", (4, 2)).save(folder / f"town_0_{suffix}.png")
    service = serve(home)
    (data,) = service.http.get("/v1/datasets").json()
    assert (data["available"], data["problem"], data["images"]) == (True, None, {"train": 1, "val": 1})
    monkeypatch.setattr(survey, "open_dataset", lambda _: pytest.fail("listed the files again, which may be 100,000"))
    assert service.http.get("/v1/datasets").json() == [data]
    assert data["class_names"][0] == "road"
    assert len(data["class_names"]) == 19


def test_alive_and_not_ready_without_a_cluster(service):
    for prefix in ("", "/v1"):
        assert service.http.get(f"{prefix}/healthz").json()["status"] == "ok"
        reply = service.http.get(f"{prefix}/readyz")
        assert reply.status_code == 503
        assert reply.json()["parts"]["store"] == {"ok": True, "message": None}
        assert reply.json()["parts"]["ray"] == {"ok": False, "message": "no cluster is configured"}


def test_pages_load_nothing_from_elsewhere(service):
    for page in ("/", "/docs"):
        reply = service.http.get(page)
        assert reply.headers["Content-Type"].startswith("text/html")
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
        assert "://" not in reply.text
        for part in reply.text.split('"'):
            if part.startswith("/static/"):
                assert service.http.get(part).status_code == 200, part
