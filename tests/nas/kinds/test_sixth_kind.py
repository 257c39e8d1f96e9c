"""A sixth kind of search, in a file and a package of its own, from POST to answer through a real service and Ray.

Nothing of the product is touched: the package is installed in a folder on the path, with an entry point of the group
`segnas.kinds`, as pip would do it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nas.client import Client, ClientError
from nas.settings import Settings
from tests.workers.conftest import write_scenes

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PATIENCE = 180.0

FIDELITY = {
    "dataset": "tiny",
    "backbone": {"blocks": 5, "output_stride": 8, "warmup_iterations": 2},
    "head": {"channels": 8},
    "crop": [64, 128],
    "rungs": [2],
    "batch": 2,
    "label_stride": 8,
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package as pip would install it."""
    folder = tmp_path / "site"
    about = folder / "pair_kind-1.0.dist-info"
    about.mkdir(parents=True)
    shutil.copy(HERE / "pair_kind.py", folder)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pair-kind\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[segnas.kinds]\npair = pair_kind:KIND\n")
    return folder


@pytest.fixture
def client(tmp_path: Path, installed: Path) -> Iterator[Client]:
    """A client of a service, started as a process of its own with a Ray of its own."""
    home = tmp_path / "home"
    datasets = {"tiny": {"layout": "cityscapes", "root": str(write_scenes(tmp_path / "scenes"))}}
    ours = {
        "SEGNAS_HOME": str(home),
        "SEGNAS_DATASETS": json.dumps(datasets),
        "SEGNAS_DASHBOARD_PORT": "0",
        "SEGNAS_RECONCILE_SECONDS": "0.5",
        "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SEGNAS_", "RAY_"))} | ours
    with (tmp_path / "service.log").open("w") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "api", "--port", "0"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not (home / "server.json").exists():
                assert service.poll() is None, (tmp_path / "service.log").read_text()
                assert time.monotonic() < deadline, "no start"
                time.sleep(0.1)
            # This process does not know the kind: what it reads of the answers is plain JSON.
            with Client.from_home(Settings(home=home)) as speaking:
                yield speaking
        finally:
            service.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.wait(timeout=60)
            service.kill()


def get(client: Client, path: str) -> httpx.Response:
    return httpx.get(f"{client.url}{path}", timeout=60)


@pytest.mark.ray
def test_a_kind_of_its_own_from_post_to_answer(client):
    asked = {"kind": "pair", "name": "which head", "fidelity": FIDELITY, "resources": {"concurrent": 2}}
    refused = httpx.post(f"{client.url}/v1/searches", json={**asked, "fidelitee": 1}, timeout=60)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"path": "fidelitee", "message": "unknown field; did you mean fidelity?"}]
    unknown = httpx.post(f"{client.url}/v1/searches", json={**asked, "kind": "trio"}, timeout=60)
    assert "'pair'" in unknown.json()["detail"]

    dry = httpx.post(f"{client.url}/v1/searches?dry_run=true", json=asked, timeout=60)
    assert (dry.status_code, dry.json()["trials"]) == (200, 2)
    created = httpx.post(f"{client.url}/v1/searches", json=asked, timeout=60)
    assert created.status_code == 201, created.text
    search_id = created.json()["id"]
    assert (created.json()["kind"], created.json()["method"]) == ("pair", "pair")

    deadline = time.monotonic() + PATIENCE
    while (search := get(client, f"/v1/searches/{search_id}").json())["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline, search
        time.sleep(0.5)
    assert search["status"] == "completed", search["message"]
    assert (search["trials"]["completed"], search["planned"]) == (2, 2)

    (panel,) = get(client, f"/v1/searches/{search_id}/panels").json()
    assert panel["title"] == "Two heads"
    ((winner, score),) = panel["rows"]
    assert winner in ("1x1", "ASPP (1, 2)")
    assert score == f"{search['best']['score']:.4f}"
    document = get(client, f"/v1/searches/{search_id}/best").json()
    assert document["kind"] == "reference_head"
    assert [one["id"] for one in get(client, "/v1/searches?kind=pair").json()["items"]] == [search_id]
    schemas = get(client, "/openapi.json").json()["components"]["schemas"]
    assert "PairSpec" in schemas
    assert any(option["$ref"].endswith("/PairSpec") for option in schemas["SearchRequest"]["oneOf"])

    # It is a search like any other: what is right of another kind is refused with its sentence.
    assert get(client, f"/v1/searches/{search_id}/snapshots").status_code == 409
    with pytest.raises(ClientError, match="nothing of search"):
        client.ranking(search_id)
