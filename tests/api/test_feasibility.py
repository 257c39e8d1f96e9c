"""What the service knows of data, weights and machine is said with the field, before anything is stored."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nas.results.status import SearchStatus
from nas.settings import Settings
from nas.specs import AutoDeepLabSpec
from tests.api.test_input import changed, refused
from tests.conftest import Service, serving
from workers.cluster.state import STATE_FILE, ClusterState, cluster_folder

CITY = "aachen"
SPEC: dict[str, Any] = {
    "name": "small",
    "trials": 4,
    "fidelity": {"dataset": "scenes", "crop": [65, 129], "rungs": [10], "batch": 4},
}


def write_images(root: Path, height: int = 64, width: int = 128, train: int = 6) -> None:
    """A data set in the layout cityscapes with images of one size."""
    for split, count in (("train", train), ("val", 2)):
        for index in range(count):
            name = f"{CITY}_{index:06d}_000019"
            image = root / "leftImg8bit" / split / CITY / f"{name}_leftImg8bit.png"
            label = root / "gtFine" / split / CITY / f"{name}_gtFine_labelIds.png"
            for path, mode in ((image, "RGB"), (label, "L")):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new(mode, (width, height), 0).save(path)


def settings(home: Path, here: bool) -> Settings:
    dashboard = "http://127.0.0.1:1"  # nothing listens there
    if here:  # as LocalRay leaves it
        folder = cluster_folder(home)
        folder.mkdir(parents=True)
        state = ClusterState(dashboard_url=dashboard, address="127.0.0.1:2", marker="m", temp=folder, fingerprint="f")
        (folder / STATE_FILE).write_text(state.model_dump_json())
    weights: dict[str, Any] = {"lost": home / "lost.pth", "there": home / "there.pth", "empty": home / "empty"}
    weights |= {
        "later": {"path": home / "later.pth", "url": "s3://bucket/later.pth"},
        "folder-later": {"path": home / "later", "url": "s3://bucket/later"},
    }
    (home / "there.pth").write_bytes(b"weights")
    (home / "empty").mkdir()
    return Settings(
        home=home,
        port=0,
        ray_dashboard=dashboard,
        datasets={
            "scenes": {"layout": "cityscapes", "root": home / "scenes"},
            "gone": {"layout": "cityscapes", "root": home / "gone"},
            "later": {"layout": "cityscapes", "root": home / "later", "url": "s3://bucket/later"},
        },
        weights=weights,
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Iterator[Service]:
    """A service that trains on its own machine."""
    home = tmp_path_factory.mktemp("here")
    write_images(home / "scenes")
    with serving(settings(home, here=True)) as service:
        yield service


@pytest.fixture(scope="module")
def of_a_cluster(tmp_path_factory) -> Iterator[Service]:
    """A service whose searches run on a cluster that it cannot look into."""
    home = tmp_path_factory.mktemp("cluster")
    write_images(home / "scenes")
    with serving(settings(home, here=False)) as service:
        yield service


def errors(service, spec, path="/v1/searches") -> dict[str, str]:
    before = len(service.store.list_searches(limit=500).items)
    reply = service.http.post(path, json=spec)
    assert len(service.store.list_searches(limit=500).items) == before
    return {error["path"]: error["message"] for error in refused(reply)["errors"]}


KNOWN_TO_ALL: list[tuple[str, Any, str, str]] = [
    ("fidelity.crop", [257, 513], "fidelity.crop", "would fill 6% of it: use a crop of about their size"),
    ("fidelity.batch", 8, "fidelity.batch", "larger than the data, 6 training images: use 6 at most"),
    (
        "fidelity.backbone",
        {"name": "mobilenet_v2", "blocks": 3},
        "fidelity.backbone.output_stride",
        "reaches stride 4, not 16; keep more blocks or ask for a smaller output_stride",
    ),
]
NETWORKS = {"kind": "auto_deeplab", "layers": 3, "blocks": 2}
KNOWN_HERE: list[tuple[str, Any, str, str]] = [
    ("fidelity.dataset", "gone", "fidelity.dataset", "root folder <root> of the cityscapes data set does not exist"),
    ("fidelity.backbone.weights", "lost", "fidelity.backbone.weights", "does not exist on this machine"),
    ("fidelity.backbone.weights", "empty", "fidelity.backbone.weights", "holds no checkpoint"),
    ("fidelity.backbone.name", "hf:there", "fidelity.backbone.name", "does not exist on this machine"),
    ("resources", {"cpus": 1000}, "resources.cpus", f"this machine has {os.cpu_count()} CPUs"),
]


@pytest.mark.parametrize("query", ["", "?dry_run=true", "?dry_run=true&measure=true"])
@pytest.mark.parametrize("known", KNOWN_TO_ALL + KNOWN_HERE)
def test_what_cannot_run_is_refused(here, known, query):
    field, value, path, sentence = known
    found = errors(here, changed(SPEC, field, value), f"/v1/searches{query}")
    assert sentence in found[path]
    assert str(here.settings.folder) not in json.dumps(found)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fidelity.dataset", "later"),
        ("fidelity.backbone.weights", "later"),
        ("fidelity.backbone.name", "hf:folder-later"),
    ],
)
def test_what_is_fetched_when_it_is_needed_is_not_missing(here, field, value):
    found = here.http.post("/v1/searches?dry_run=true", json=changed(SPEC, field, value))
    assert found.status_code == 200, found.text


@pytest.mark.parametrize(("field", "value", "path", "sentence"), KNOWN_TO_ALL)
def test_a_cluster_s_service_judges_what_it_sees(of_a_cluster, field, value, path, sentence):
    assert sentence in errors(of_a_cluster, changed(SPEC, field, value))[path]


@pytest.mark.parametrize(("field", "value", "path", "sentence"), KNOWN_HERE)
def test_a_cluster_s_service_judges_nothing_else(of_a_cluster, field, value, path, sentence):
    reply = of_a_cluster.http.post("/v1/searches?dry_run=true", json=changed(SPEC, field, value))
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fidelity.crop", [65, 129]),
        ("fidelity.crop", [65, 241]),  # half of it is image
        ("fidelity.batch", 6),
        ("fidelity.views", 2),
        ("fidelity.backbone.weights", "there"),
        ("fidelity.backbone", {"name": "mobilenet_v2", "blocks": 5, "output_stride": 8}),
    ],
)
def test_what_can_run_is_not(here, field, value):
    reply = here.http.post("/v1/searches?dry_run=true", json=changed(SPEC, field, value))
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_crop_that_not_every_decoded_network_fits_is_refused(here, query):
    given = {
        "kind": "auto_deeplab",
        "name": "trellis",
        "supernet": {"levels": 3},
        "bilevel": {"dataset": "scenes", "crop": [65, 129]},
        "scoring": {**SPEC["fidelity"], "crop": [72, 136]},
    }
    found = errors(here, given, f"/v1/searches{query}")
    assert list(found) == ["scoring.crop"]
    assert "whose paths go down to stride 16: each side must be a multiple of 16" in found["scoring.crop"]
    two = {**given, "supernet": {"levels": 2}}
    reply = here.http.post("/v1/searches?dry_run=true", json=two)
    assert reply.status_code == 200, reply.text
    stored = here.store.create_search(AutoDeepLabSpec.model_validate(given))[0].id
    here.store.move_search(stored, [SearchStatus.QUEUED], SearchStatus.STOPPED)
    reply = here.http.post(f"/v1/searches/{stored}/resume")
    assert reply.status_code == 202, "one that was accepted before goes on: its networks may stay at finer strides"


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize("field", ["space.limit", "constraints"])
def test_a_limit_that_no_network_keeps_is_refused(here, query, field):
    """Of multiply-adds, whose least the service finds over all paths; parameters are known to the spec itself."""
    few = {"multiply_adds": 10**6} if field == "space.limit" else {"multiply_adds": {"max": 10**6}}
    given = changed({**SPEC, "space": NETWORKS}, field, few)
    found = errors(here, given, f"/v1/searches{query}")
    assert "no network of 3 layers and 2 blocks costs so little: with its logits the smallest has" in found[field]
    many = {"multiply_adds": 10**12} if field == "space.limit" else {"multiply_adds": {"max": 10**12}}
    reply = here.http.post("/v1/searches?dry_run=true", json=changed({**SPEC, "space": NETWORKS}, field, many))
    assert reply.status_code == 200, reply.text


def test_logits_are_counted_with_the_smallest_cell(here):
    """The spec refuses what is below the smallest head; the service knows the 19 classes, too."""
    sizes = re.compile(r"the smallest has ([\d,]+) parameters")
    found = errors(here, changed(SPEC, "constraints", {"parameters": {"max": 1000}}))
    (head,) = sizes.findall(next(iter(found.values())))
    most = int(head.replace(",", ""))
    found = errors(here, changed(SPEC, "constraints", {"parameters": {"max": most}}))
    assert sizes.findall(found["constraints"]) == [f"{most + 19 * 257:,}"]
    reply = here.http.post(
        "/v1/searches?dry_run=true", json=changed(SPEC, "constraints", {"parameters": {"max": most + 19 * 257}})
    )
    assert reply.status_code == 200, reply.text


def test_every_fidelity_of_every_request_is_looked_at(here):
    good, bad = SPEC["fidelity"], changed(SPEC["fidelity"], "batch", 100)
    calibration = {"name": "which", "proxies": {"a": good, "b": changed(bad, "rungs", [5])}, "full_scale": bad}
    assert set(errors(here, calibration, "/v1/calibrations")) == {"proxies.b.batch", "full_scale.batch"}
    differentiable = {
        "kind": "auto_deeplab",
        "name": "long",
        "bilevel": {"dataset": "scenes", "crop": [321, 321], "batch": 4},
        "scoring": changed(good, "dataset", "gone"),
    }
    assert set(errors(here, differentiable)) == {"bilevel.crop", "bilevel.batch", "scoring.dataset"}
    assert set(errors(here, {"kind": "reference", "name": "heads", "fidelity": bad})) == {"fidelity.batch"}
    assert set(errors(here, changed(changed(SPEC, "fidelity", bad), "resources", {"cpus": 1000}))) == {
        "fidelity.batch",
        "resources.cpus",
    }


def test_a_data_set_that_vanishes_and_returns_is_seen(here):
    root = here.settings.folder / "scenes"
    assert here.http.post("/v1/searches?dry_run=true", json=SPEC).status_code == 200
    shutil.move(root, root.with_name("moved"))
    try:
        assert "does not exist" in errors(here, SPEC)["fidelity.dataset"]
    finally:
        shutil.move(root.with_name("moved"), root)
    assert here.http.post("/v1/searches?dry_run=true", json=SPEC).status_code == 200
