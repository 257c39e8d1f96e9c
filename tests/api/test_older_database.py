"""The service on a database of 0.1.0: every page of it is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nas.store import Store

pytestmark = pytest.mark.slow

DUMP = Path(__file__).parents[1] / "nas" / "store" / "data" / "v0_1_0.sql"

ANSWERED = {
    "black_box": {"best", "trials"},
    "reference": {"best", "trials", "heads"},
    "full_scale": {"best", "trials"},
    "calibration": {"best", "trials"},
    "auto_deeplab": {"best", "trials", "snapshots"},
}
"""What each kind of search that has measured something answers with 200, whatever it says of the others."""


@pytest.fixture
def old(home, serve) -> Iterator[Any]:
    connection = sqlite3.connect(home.folder / "segnas.db")
    connection.executescript(DUMP.read_text("utf-8"))
    connection.close()
    with Store.open(home.store_url) as store:
        store.migrate()
    return serve(home)


def get(service, path: str) -> Any:
    reply = service.http.get(f"/v1{path}")
    assert reply.status_code == 200, (path, reply.text)
    return reply.json()


def test_every_page_of_every_search_is_answered(old):
    searches = get(old, "/searches")["items"]
    assert {search["kind"] for search in searches} == set(ANSWERED)
    for search in searches:
        base = f"/searches/{search['id']}"
        assert get(old, base) == search
        trials = get(old, f"{base}/trials")["items"]
        assert len(trials) == sum(search["trials"].values())
        for page in ANSWERED[search["kind"]] if search["best"] else ():
            assert get(old, f"{base}/{page}")
        for trial in trials:
            detail = get(old, f"{base}/trials/{trial['number']}")
            assert {name: detail[name] for name in trial} == trial
            assert detail["document"]["architecture"] == trial["architecture"]
            assert detail["document"]["provenance"]["search"] == search["id"]
    assert sum(search["best"] is not None for search in searches) == len(searches) - 1  # one waits


def test_rankings_calibrations_and_snapshots_are_answered(old):
    ids = {search["name"]: search["id"] for search in get(old, "/searches")["items"]}
    ranking = get(old, f"/searches/{ids['cells']}/ranking")
    assert ranking["full_scale_searches"] == [ids["cells: full scale"], ids["cells: full scale again"]]
    assert [(pair["trial"], pair["full_scale"]["score"]) for pair in ranking["pairs"]] == [(3, 0.875), (0, 0.625)]
    assert [proxy["name"] for proxy in ranking["training_free"]] == ["synflow"]
    calibration = get(old, f"/calibrations/{ids['which']}")
    assert [(proxy["name"], proxy["n"], proxy["spearman"]) for proxy in calibration["proxies"]] == [
        ("short", 4, 1.0),
        ("parameters", 4, 1.0),
    ]
    assert [search["id"] for search in get(old, "/calibrations")["items"]] == [ids["which"]]
    listed = get(old, f"/searches/{ids['trellis']}/snapshots")
    assert [(one["run"], one["epoch"], one["trial"], one["score"]) for one in listed] == [
        (0, 1, None, None),
        (0, 2, 1, 0.6875),
        (1, 1, None, None),
    ]
    detail = get(old, f"/searches/{ids['trellis']}/snapshots/0/2")
    assert {name: detail[name] for name in listed[1]} == listed[1]
    assert detail["alpha"] == [[0.25, 0.75], [0.5, 0.5]]
    assert [row["mean"] for row in get(old, f"/searches/{ids['heads']}/heads")] == [0.5, 0.625]


def test_times_are_what_they_were(old):
    oldest = get(old, "/searches")["items"][-1]
    assert (oldest["name"], oldest["created_at"]) == ("cells", "2023-11-14T22:13:21.125000Z")
    assert oldest["finished_at"] > oldest["started_at"] > oldest["created_at"]
