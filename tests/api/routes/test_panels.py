"""Panels over HTTP: of every kind of search, and before anything is measured."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from nas.schemas.panels import Panel
from nas.specs import AutoDeepLabSpec, BilevelSpec


def panels(service, search_id: str) -> list[dict[str, Any]]:
    reply = service.http.get(f"/v1/searches/{search_id}/panels")
    assert reply.status_code == 200, reply.text
    TypeAdapter(list[Panel]).validate_python(reply.json())
    return reply.json()


def types(found: list[dict[str, Any]]) -> list[object]:
    return [types(panel["panels"]) if panel["type"] == "row" else panel["type"] for panel in found]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("black_box", []),
        ("auto_deeplab", [["lines", "lines"], ["lines", "lines"], "trellis", "text"]),
        ("reference", [["intervals", "intervals"], "table"]),
        ("full_scale", ["text", ["scatter", "scatter"], "table", "text"]),
        ("calibration", ["text", "scatter", "table"]),
    ],
)
def test_every_kind_has_its_panels(service, every_kind, kind, expected):
    assert types(panels(service, every_kind[kind])) == expected


def test_snapshots(service, every_kind):
    row, shares, trellis, cell = panels(service, every_kind["auto_deeplab"])
    assert [len(panel["lines"]) for panel in shares["panels"]] == [2, 4]
    supernet, entropies = row["panels"]
    assert [(line["text"], line["mark"]) for line in supernet["lines"]] == [("run 0", "completed"), ("run 1", "best")]
    assert supernet["lines"][0]["points"][:2] == [[1, 0.1], [2, 0.2]]
    assert [line["text"] for line in entropies["lines"]] == [
        *("alpha, run 0", "beta, run 0"),
        *("alpha, run 1", "beta, run 1"),
    ]
    # The last network of run 1 scored 0.6, that of run 0 scored 0.5.
    assert trellis["title"] == "Decoded path, run 1, epoch 5: supernet 0.5100, decoded 0.6000 (trial 1), 3.3 min"
    assert trellis["levels"] == ["1/4", "1/8", "1/16", "1/32"]
    assert trellis["places"] == [2, 3, 4, 4, 4, 4]
    snapshot = service.http.get(f"/v1/searches/{every_kind['auto_deeplab']}/snapshots?run=1").json()[-1]
    assert trellis["path"] == snapshot["path"]
    assert [line.partition(":")[0] for line in cell["lines"]] == ["block 0", "block 1", "block 2"]
    assert "H[l-" in cell["lines"][0]
    assert "H[l-" in snapshot["text"]


def test_heads(service, every_kind):
    charts, table = panels(service, every_kind["reference"])
    scores, differences = charts["panels"]
    assert (len(scores["rows"]), len(differences["rows"])) == (11, 10)
    assert scores["rows"][0]["points"] == [0.5, 0.51]
    assert [column["text"] for column in table["columns"]] == [
        *("Head", "Parameters", "Multiply-adds", "mIoU"),
        *("Spread", "Seeds", "To the trunk"),
    ]
    assert [column["numeric"] for column in table["columns"]] == [False] + [True] * 6
    rows = {row[0]: row[1:] for row in table["rows"]}
    assert len(rows) == 11
    # Scores are 0.3 + 0.02 * index + 0.01 * seed: at seeds 0 and 1, the trunk (index 4) has 0.38 and 0.39.
    assert rows["trunk"] == ["", "", "0.3850", "0.0071", "2", ""]
    assert rows["ASPP (6, 12, 18)"] == ["", "", "0.3250", "0.0071", "2", "-0.0600 ± 0.0000"]
    assert rows["published DPC"][2] == "0.3650"


def test_a_ranking(service, every_kind):
    text, row, table, notes = panels(service, every_kind["full_scale"])
    assert text["lines"][0].startswith("Spearman's rho is 1.00, with a 95 % interval from ")
    scatter, by_rung = row["panels"]
    assert [point["x"] for point in by_rung["points"]] == [100, 200]
    assert len(scatter["points"]) == 6
    best = scatter["points"][0]
    assert (best["x"], best["mark"]) == (0.6, "best")
    assert best["text"] == "trial 3: 0.6000, at full scale 0.6500"
    assert (scatter["x_text"], scatter["y_text"]) == ("mIoU in the search", "mIoU at full scale")
    assert [(cells[0], cells[1], cells[3]) for cells in table["rows"]] == [
        ("the search's order", "1.00", "6"),
        ("score at 100", "1.00", "6"),
        ("score at 200", "1.00", "6"),
    ]
    ranking = service.http.get(f"/v1/searches/{every_kind['black_box']}/ranking").json()
    assert notes["lines"] == ranking["warnings"]
    assert notes["style"] == "muted"


def test_a_calibration(service, every_kind):
    verdict, chart, table = panels(service, every_kind["calibration"])
    assert [(point["label"], point["x"]) for point in chart["points"]] == [("long", 20.0), ("short", 10.0)]
    assert [row[0] for row in table["rows"]] == ["long", "short"]
    assert table["rows"][1][1:] == ["1.00", table["rows"][1][2], "6", "10 s", "10.0%", "yes"]
    answer = service.http.get(f"/v1/calibrations/{every_kind['calibration']}").json()
    assert verdict["lines"] == [answer["verdict"]]


def test_before_the_first_epoch(service):
    bilevel = BilevelSpec(dataset="scenes", crop=(129, 129))
    record, _ = service.store.create_search(AutoDeepLabSpec(name="new", bilevel=bilevel))
    (text,) = panels(service, record.id)
    assert (text["title"], text["lines"]) == ("Runs", ["no epoch is over yet"])


def test_no_such_search(service):
    assert service.http.get("/v1/searches/s000000000000/panels").status_code == 404


def test_what_the_list_shows(service, every_kind):
    shown = {}
    for kind, search_id in every_kind.items():
        search = service.http.get(f"/v1/searches/{search_id}").json()
        shown[kind] = (search["method"], search["dataset"], search["exportable"])
    assert shown == {
        "black_box": ("random", "scenes", True),
        "auto_deeplab": ("auto deeplab", "scenes", True),
        "reference": ("reference", "scenes", True),
        "full_scale": ("full scale", "scenes", True),
        "calibration": ("calibration", "scenes", True),
    }
    queued = service.http.get(f"/v1/searches/{service.search(running=False)}").json()
    assert not queued["exportable"]
    bilevel = BilevelSpec(dataset="other", crop=(129, 129))
    unscored, _ = service.store.create_search(AutoDeepLabSpec(name="unscored", bilevel=bilevel))
    search = service.http.get(f"/v1/searches/{unscored.id}").json()
    assert (search["dataset"], search["exportable"]) == ("other", True)


def test_a_trial_says_its_text_duration_and_standing(service, every_kind):
    trials = service.http.get(f"/v1/searches/{every_kind['black_box']}/trials").json()["items"]
    assert [trial["standing"] for trial in trials[3:9]] == [
        *([200, 0.6], [200, 0.33], [200, 0.57]),
        *([100, 0.2], None, None),
    ]
    assert (trials[7]["score"], trials[7]["status"]) == (0.99, "failed")
    assert (trials[3]["duration"], trials[8]["duration"]) == ("2.0 s", "")
    assert trials[3]["text"].startswith("0:")
    heads = service.http.get(f"/v1/searches/{every_kind['reference']}/trials").json()["items"]
    assert [trial["text"] for trial in heads[:4]] == ["1x1", "ASPP (6, 12, 18)", "PPM (1, 2, 3, 6)", "published DPC"]
