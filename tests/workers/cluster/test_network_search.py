"""A black-box search over networks through the service and a real Ray: proposed, trained, exported, trained again."""

from __future__ import annotations

import time

import pytest

from nas.results.status import TrialStatus
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.training.workspace import Workspace
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import read_architecture
from workers.cluster.jobs import Cluster

OPERATORS = ["sep_3x3", "max_pool_3x3", "skip"]
LIMIT = {"parameters": 8_000}
SPACE = {"kind": "auto_deeplab", "layers": 3, "levels": 3, "blocks": 2, "operators": OPERATORS, "limit": LIMIT}
REQUEST = {
    "name": "networks",
    "space": SPACE,
    "strategy": {"name": "evolution", "population": 2, "sample": 2, "mutations": ["operator", "input", "path"]},
    "trials": 5,
    "early_stopping": {"reduction": 2},
    "objectives": ["miou", "latency"],
    "resources": {"cpus": 1, "gpus": 0, "concurrent": 2},
    "fidelity": {
        "dataset": "tiny",
        "crop": [64, 128],
        "augment": {"scale": [1.0, 1.0], "flip": False},
        "rungs": [2, 4],
        "batch": 4,
        "label_stride": 4,
        "network": {
            "filters": 4,
            "stem_channels": 4,
            "aspp_channels": 8,
            "low_level_channels": 4,
            "decoder_channels": 8,
        },
    },
}


@pytest.mark.timeout(900)
def test_a_search_for_networks_from_the_request_to_the_retrained_best(running_ray, serving, tmp_path):
    settings = running_ray.settings.model_copy(update={"reconcile_seconds": 0.2, "port": 0})
    cluster = Cluster(running_ray.local.dashboard_url, running_ray.local.token)
    with cluster, serving(settings, cluster) as service:
        answer = service.http.post("/v1/searches", json=REQUEST)
        assert answer.status_code == 201, answer.text
        search = answer.json()["id"]
        deadline = time.monotonic() + 600
        while (status := service.http.get(f"/v1/searches/{search}").json())["status"] not in ("completed", "failed"):
            assert time.monotonic() < deadline, status
            time.sleep(0.5)
        assert status["status"] == "completed", status

        trials = service.store.all_trials(search)
        assert len({trial.architecture_key for trial in trials}) == len(trials) == 5
        assert {trial.status for trial in trials} <= {TrialStatus.COMPLETED, TrialStatus.PRUNED}
        for trial in trials:
            network = trial.architecture
            assert isinstance(network, AutoDeepLab)
            assert (len(network.blocks), len(network.path)) == (2, 3)
            (parameters,) = {m.parameters for m in service.store.curve(search, trial.number)}
            assert parameters is not None
            assert parameters - 19 * (8 + 1) <= 8_000  # logits for 19 classes do not count
            (latency,) = {m.latency for m in service.store.curve(search, trial.number)}
            assert latency is not None
            assert latency.what == "network"

        page = service.http.get(f"/v1/searches/{search}/trials/{trials[0].number}")
        assert page.json()["document"]["kind"] == "auto_deeplab"
        drawing = service.http.get(f"/v1/searches/{search}/trials/{trials[0].number}/drawing")
        assert drawing.text.startswith("<svg")
        best = service.http.get(f"/v1/searches/{search}/best").json()
        assert best["provenance"]["search"] == search
        fidelity = service.store.get_search(search).spec.fidelities["fidelity"].model_copy(update={"rungs": (2,)})

    document = read_architecture(best)
    workspace = Workspace(settings.datasets, {}, tmp_path / "cache", tmp_path)
    retrain(document, fidelity, workspace, tmp_path / "retrained", device="cpu", threads=1)
    assert isinstance(document.architecture, AutoDeepLab)
    assert load_retrained(tmp_path / "retrained").strides == document.architecture.strides
