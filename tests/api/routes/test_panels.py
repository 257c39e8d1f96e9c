"""Panels over HTTP: of every kind of search, and before anything is measured."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import TypeAdapter

from nas.results.status import TrialStatus
from nas.schemas.panels import Panel
from nas.specs import AutoDeepLabSpec, BilevelSpec
from tests.api.conftest import SCORES
from tests.builders import measured


def panels(service, search_id: str) -> list[dict[str, Any]]:
    """All panels: what takes long is made beside the answers, and asked for until it is there."""
    for _ in range(600):
        reply = service.http.get(f"/v1/searches/{search_id}/panels")
        assert reply.status_code == 200, reply.text
        TypeAdapter(list[Panel]).validate_python(reply.json())
        if not any(panel.get("pending") for panel in reply.json()):
            return reply.json()
        time.sleep(0.05)
    raise AssertionError("the panels are being made for ever")


def types(found: list[dict[str, Any]]) -> list[object]:
    return [types(panel["panels"]) if panel["type"] == "row" else panel["type"] for panel in found]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("black_box", [["table", "lines"], "text", "spans", "bars", "table", "choices", "text"]),
        ("auto_deeplab", [["lines", "lines"], ["lines", "lines"], "drawing", "text"]),
        ("reference", [["intervals", "intervals"], "table"]),
        ("full_scale", ["text", ["scatter", "scatter"], "table", "text"]),
        ("calibration", ["text", "scatter", "table"]),
    ],
)
def test_every_kind_has_its_panels(service, every_kind, kind, expected):
    assert types(panels(service, every_kind[kind])) == expected


def test_an_analysis(service, every_kind):
    row, _, spans, cost, failures, choices, importance = found = panels(service, every_kind["black_box"])
    assert {panel["part"] for panel in found} == {"analysis"}
    # Six trials are completed, one was stopped at the first rung, one failed at it, one runs and has measured nothing.
    assert [cells[:4] for cells in row["panels"][0]["rows"]] == [["100", "8", "1", "1"], ["200", "6", "0", "0"]]
    assert [span["mark"] for span in spans["spans"]] == [*["completed"] * 6, "pruned", "failed", "stopped"]
    assert (
        cost["bars"][0]["value_text"]
        == service.http.get(f"/v1/searches/{every_kind['black_box']}").json()["cost"]["duration"]
    )
    assert failures["rows"] == [["no reason is known", "1", "#7"]]
    assert [trial["value"] for trial in choices["trials"]] == sorted(SCORES)
    assert choices["trials"][-1]["mark"] == "best"
    assert importance["lines"] == ["importance needs 50 trials with a score; there are 7"]


def test_sizes(service):
    search_id = service.search()
    service.trial(search_id, 0, 0.2, 0.4, end=TrialStatus.COMPLETED)
    assert "row" not in types(panels(service, search_id)[2:]), "no size is known"
    service.trial(search_id, 1)
    for rung, score in ((100, 0.3), (200, 0.5)):
        service.store.record_measurement(search_id, 1, 1, measured(rung, score, parameters=1000, multiply_adds=9))
    service.finish(search_id)
    found = panels(service, search_id)
    charts = next(panel for panel in found if panel["type"] == "row" and "parameters" in panel["panels"][0]["title"])
    assert [chart["points"][0]["x"] for chart in charts["panels"]] == [1000, 9]


def test_a_search_without_trials_has_no_analysis(service):
    assert [panel for panel in panels(service, service.search()) if panel["part"] == "analysis"] == [
        {
            "type": "text",
            "part": "analysis",
            "title": "What the best trials have in common",
            "lines": ["importance needs 50 trials with a score; there are 0"],
            "style": "muted",
            "pending": False,
        }
    ]


def test_snapshots(service, every_kind):
    row, shares, drawing, cell = panels(service, every_kind["auto_deeplab"])
    assert [len(panel["lines"]) for panel in shares["panels"]] == [2, 4]
    supernet, entropies = row["panels"]
    assert [(line["text"], line["mark"]) for line in supernet["lines"]] == [("run 0", "completed"), ("run 1", "best")]
    assert supernet["lines"][0]["points"][:2] == [[1, 0.1], [2, 0.2]]
    assert [line["text"] for line in entropies["lines"]] == [
        *("alpha, run 0", "beta, run 0"),
        *("alpha, run 1", "beta, run 1"),
    ]
    # The last network of run 1 scored 0.6, that of run 0 scored 0.5.
    assert drawing["title"] == "Decoded network, run 1, epoch 5: supernet 0.5100, decoded 0.6000 (trial 1), 3.3 min"
    assert drawing["path"] == f"/v1/searches/{every_kind['auto_deeplab']}/snapshots/1/5/drawing"
    assert drawing["file"] == f"run1-epoch5-{every_kind['auto_deeplab']}.svg"
    assert service.http.get(drawing["path"]).text.startswith("<svg")
    snapshot = service.http.get(f"/v1/searches/{every_kind['auto_deeplab']}/snapshots?run=1").json()[-1]
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
