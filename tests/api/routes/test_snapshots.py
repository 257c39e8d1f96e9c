"""Snapshots of a differentiable search over HTTP, and what its best network is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nas.drawing.draw import draw
from nas.results.proposal import Proposal
from nas.results.snapshot import Snapshot
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, Fidelity, SupernetSpec
from search_spaces import AutoDeepLab, read_architecture
from tests.builders import measured, uniform_beta


@pytest.fixture
def search_of(service):
    """The id of a running auto_deeplab search; with `scoring`, its snapshots can be measured."""

    def make(scoring: bool = False) -> str:
        spec = AutoDeepLabSpec(
            name="trellis",
            supernet=SupernetSpec(layers=3, levels=2, blocks=1, operators=("skip", "sep_3x3")),
            bilevel=BilevelSpec(dataset="scenes", crop=(33, 33)),
            seeds=2,
            scoring=Fidelity(dataset="scenes", rungs=(10,)) if scoring else None,
        )
        record, _ = service.store.create_search(spec)
        service.store.driver_started(record.id, service.store.begin_driver(record.id), {"torch": "2.13.0"})
        return record.id

    return make


@pytest.fixture
def snapshot(snapshot_at) -> Callable[[int, float], Snapshot]:
    return lambda epoch, miou: snapshot_at(epoch, supernet_miou=miou)


def add(service, search_id: str, run: int, one: Snapshot) -> None:
    service.store.add_snapshot(search_id, 1, run, one)


def test_snapshots_are_listed_and_given_in_full(service, search_of, snapshot):
    search_id = search_of()
    for run, one in ((0, snapshot(1, 0.2)), (0, snapshot(2, 0.3)), (1, snapshot(1, 0.25))):
        add(service, search_id, run, one)
    listed = service.http.get(f"/v1/searches/{search_id}/snapshots").json()
    assert [(item["run"], item["epoch"], item["supernet_miou"]) for item in listed] == [
        (0, 1, 0.2),
        (0, 2, 0.3),
        (1, 1, 0.25),
    ]
    assert "alpha" not in listed[0]
    assert [item["run"] for item in service.http.get(f"/v1/searches/{search_id}/snapshots?run=1").json()] == [1]
    full = service.http.get(f"/v1/searches/{search_id}/snapshots/0/2").json()
    assert full["alpha"] == [[0.25, 0.75]]
    assert full["beta"] == [list(node) for node in uniform_beta(3)]
    assert full["operators"] == ["skip", "sep_3x3"]
    document = read_architecture(full["document"])
    assert document.architecture == snapshot(2, 0.3).architecture
    assert (document.provenance.search, document.provenance.seed) == (search_id, 0)
    assert document.provenance.classes[:2] == ("road", "sidewalk")


def test_what_is_not_there_is_said(service, search_of):
    search_id = search_of()
    assert service.http.get(f"/v1/searches/{search_id}/snapshots").json() == []
    missing = service.http.get(f"/v1/searches/{search_id}/snapshots/0/1")
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        f"search {search_id} has no snapshot of run 0 at epoch 1",
    )
    other = service.http.get(f"/v1/searches/{service.search()}/snapshots")
    assert other.status_code == 409
    assert "of kind black_box, which has no runs and so no snapshots" in other.json()["detail"]


def test_best_without_measured_snapshots_is_the_best_supernets_last(service, search_of, snapshot):
    search_id = search_of()
    assert service.http.get(f"/v1/searches/{search_id}/best").status_code == 404
    for run, one in ((0, snapshot(1, 0.9)), (0, snapshot(2, 0.3)), (1, snapshot(1, 0.4))):
        add(service, search_id, run, one)
    best = service.http.get(f"/v1/searches/{search_id}/best").json()
    assert read_architecture(best).architecture == snapshot(1, 0.4).architecture
    assert best["provenance"]["seed"] == 1
    for form, has in (("deeplab", "backbone"), ("darts", "path")):
        written = service.http.get(f"/v1/searches/{search_id}/best?format={form}").json()
        assert any(has in key for key in written), written
        network = read_architecture(written).architecture
        assert isinstance(network, AutoDeepLab)
        assert network.path == snapshot(1, 0.4).architecture.path


def test_a_measured_snapshot_shows_its_trial(service, search_of, snapshot):
    search_id = search_of(scoring=True)
    one = snapshot(1, 0.9)
    add(service, search_id, 0, one)
    assert service.http.get(f"/v1/searches/{search_id}/best").status_code == 404
    spec = service.store.get_search(search_id).spec
    service.store.add_trial(search_id, 1, Proposal(3, one.architecture, spec.scoring, spec.seed))
    service.store.record_measurement(search_id, 3, 1, measured(10, 0.6, 0.2))
    service.store.finish_trial(search_id, 3, 1, TrialStatus.COMPLETED)
    (listed,) = service.http.get(f"/v1/searches/{search_id}/snapshots").json()
    assert (listed["trial"], listed["score"]) == (3, 0.6)
    best = service.http.get(f"/v1/searches/{search_id}/best").json()
    assert best["provenance"]["trial"] == 3
    assert best["provenance"]["fidelity"]["rungs"] == [10]
    service.store.finish_search(search_id, 1, SearchStatus.COMPLETED)
    whole = service.http.get(f"/v1/searches/{search_id}").json()
    assert (whole["kind"], whole["planned"], whole["best"]["score"]) == ("auto_deeplab", 8, 0.6)
    assert whole["cost"]["device_seconds"] == pytest.approx(12.5 + 0.2)


def test_a_dense_cell_has_no_darts_form(service):
    search_id = service.search()
    service.trial(search_id, 0, 0.5)
    refused = service.http.get(f"/v1/searches/{search_id}/best?format=darts")
    assert refused.status_code == 409
    assert "a dense_cell cannot be written in the DARTS format; use the format segnas" in refused.json()["detail"]


def test_a_snapshot_is_drawn_with_its_beta(service, search_of, snapshot_at):
    search_id = search_of()
    sure = tuple((1.0, *(0.0,) * (len(node) - 1)) for node in uniform_beta(3))
    for epoch, beta in ((1, uniform_beta(3)), (2, sure)):
        add(service, search_id, 0, snapshot_at(epoch, architecture=snapshot_at(1).architecture, beta=beta))
    first, second = (service.http.get(f"/v1/searches/{search_id}/snapshots/0/{epoch}/drawing") for epoch in (1, 2))
    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/svg+xml")
    assert first.text == draw(snapshot_at(1).architecture, beta=uniform_beta(3)).svg
    assert first.text != second.text
    assert service.http.get(f"/v1/searches/{search_id}/snapshots/0/3/drawing").status_code == 404
    assert service.http.get(f"/v1/searches/{service.search()}/snapshots/0/1/drawing").status_code == 409
