"""The panels of a search's page in a real browser: each shows all that the service sends."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from tests.api.static.shown import KINDS, get, values
from tests.builders import measured

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS)
def test_the_panels_of_every_kind(service, every_kind, visit, kind):
    sent = _panels(service, every_kind[kind])
    page = visit(f"{service.url}/#/{every_kind[kind]}")
    expect(page.locator("h1")).to_be_visible()
    for part in ("answer", "analysis"):
        place = page.get_by_role("region", name=part)
        if any(panel["part"] == part for panel in sent):
            expect(place).to_be_visible()
        else:
            expect(place).to_be_hidden()
    panels = [single for panel in sent for single in panel.get("panels", [panel])]
    expect(page.locator(".panel")).to_have_count(len(panels))
    for index, panel in enumerate(panels):
        place = page.locator(".panel").nth(index)
        if panel["title"]:
            expect(place.locator("h2")).to_have_text(panel["title"])
        _CHECKS[panel["type"]](place, panel)
    assert page.locator(".pair .panel").count() == sum(len(panel.get("panels", ())) for panel in sent)


def _panels(service, search_id: str) -> Any:
    """The panels once all are made."""
    for _ in range(600):
        sent = get(service, f"/v1/searches/{search_id}/panels")
        if not any(panel.get("pending") for panel in sent):
            return sent
        time.sleep(0.05)
    raise AssertionError("panels are being made for ever")


def _lines(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    shown = [f"{line['text']}: {_number(y)} at {_number(x)}" for line in panel["lines"] for x, y in line["points"]]
    assert sorted(values(place)) == sorted(shown)
    assert panel["x_text"] in place.locator(".plane").get_attribute("aria-label")
    assert place.locator(".legend span").all_inner_texts() == [entry["text"] for entry in panel["legend"]]


def _scatter(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    assert sorted(values(place)) == sorted(point["text"] for point in panel["points"])
    assert f"by {panel['x_text']}, {len(panel['points'])} values" in place.locator(".plane").get_attribute("aria-label")
    heads = place.locator(".values thead")
    expect(heads).to_contain_text(panel["x_text"])
    expect(heads).to_contain_text(panel["y_text"])


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}"


def _spans(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    assert sorted(values(place)) == sorted(span["text"] for span in panel["spans"])
    assert place.locator(".legend span").all_inner_texts() == [entry["text"] for entry in panel["legend"]]
    assert place.locator(".remark").all_inner_texts() == panel["notes"]


def _bars(place: Any, panel: dict[str, Any]) -> None:
    assert place.locator("th").all_inner_texts() == [bar["text"] for bar in panel["bars"]]
    assert place.locator("td.number").all_inner_texts() == [bar["value_text"] for bar in panel["bars"]]
    assert place.locator(".remark").all_inner_texts() == panel["notes"]


def _choices(place: Any, panel: dict[str, Any]) -> None:
    slices = place.locator("figure.chart").first
    assert place.locator("option").all_inner_texts() == [choice["text"] for choice in panel["choices"]]
    for index in (0, len(panel["choices"]) - 1):
        choice = panel["choices"][index]
        place.locator("select").select_option(label=choice["text"])
        expect(slices.locator(".plane")).to_have_attribute("aria-label", re.compile(f"by {choice['text']}"))
        shown = [f"{trial['text']}, {choice['values'][trial['values'][index]]}" for trial in panel["trials"]]
        if not index:
            slices.locator("summary").click()
        expect(slices.locator("tbody tr")).to_have_count(len(shown))
        assert sorted(slices.locator("tbody td:first-child").all_inner_texts()) == sorted(shown)
    expect(place.locator("figure.chart").nth(1).locator("canvas")).to_be_attached()


def _table(place: Any, panel: dict[str, Any]) -> None:
    assert place.locator("th").all_inner_texts() == [column["text"] for column in panel["columns"] if column["text"]]
    assert place.locator("tbody td").all_inner_texts() == [cell for row in panel["rows"] for cell in row]
    numeric = sum(column["numeric"] for column in panel["columns"])
    expect(place.locator("td.number")).to_have_count(numeric * len(panel["rows"]))


def _drawing(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("svg.segnas-drawing")).to_be_visible()
    with place.page.expect_download() as saved:
        place.get_by_role("button", name="Save drawing").click()
    assert saved.value.suggested_filename == panel["file"]
    drawing = place.page.request.get(f"{place.page.url.split('#')[0].rstrip('/')}{panel['path']}").text()
    assert saved.value.path().read_text() == drawing
    expect(place.locator("svg rect")).to_have_count(drawing.count("<rect "))


def _text(place: Any, panel: dict[str, Any]) -> None:
    if panel["style"] == "code":
        assert place.locator("pre").inner_text().strip() == "\n".join(panel["lines"])
    else:
        assert place.locator("p").all_inner_texts() == panel["lines"]


def _intervals(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    shown = [f"{row['text']}: {row['value_text']}" for row in panel["rows"] if row["value"] is not None]
    shown += [f"{row['text']}: {point:.4f}" for row in panel["rows"] for point in row["points"]]
    assert sorted(values(place)) == sorted(shown)
    assert panel["x_text"] in place.locator(".plane").get_attribute("aria-label")


_CHECKS = {
    "lines": _lines,
    "scatter": _scatter,
    "intervals": _intervals,
    "spans": _spans,
    "bars": _bars,
    "choices": _choices,
    "table": _table,
    "drawing": _drawing,
    "text": _text,
}


def test_a_panel_whose_drawing_fails_at_first_is_shown_later(service, every_kind, visit):
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/drawing", lambda route: route.abort())
    page.goto(f"{service.url}/#/{every_kind['auto_deeplab']}")
    expect(page.locator(".panel.drawing")).to_contain_text("The service does not answer")
    page.unroute("**/drawing")
    expect(page.locator("svg.segnas-drawing")).to_be_visible()


def test_what_is_below_a_chart_and_what_is_chosen_in_it_keep_up(service, visit):
    search_id = service.search(name="keeps up", running=True)
    for number in range(2):
        service.trial(search_id, number, 0.2, 0.3 + 0.1 * number, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/#/{search_id}")
    timeline, choices = page.locator(".panel.spans"), page.locator(".panel.choices")
    expect(timeline.locator(".remark")).to_contain_text("of trials whose node is not known")
    choices.locator("select").select_option(label="input of branch 2")
    expect(choices.get_by_role("application").first).to_have_attribute("aria-label", re.compile("2 values"))
    service.trial(search_id, 2, 0.2)
    service.store.record_measurement(search_id, 2, 1, measured(200, 0.6), node="a-node")
    service.store.finish_trial(search_id, 2, 1, TrialStatus.COMPLETED)
    expect(timeline.locator(".remark")).to_contain_text("a-node: row")
    expect(timeline.locator(".remark")).to_have_count(1)
    expect(choices.get_by_role("application").first).to_have_attribute("aria-label", re.compile("3 values"))
    expect(choices.locator("select")).to_have_value("1")


def test_panels_are_asked_for_again_when_a_search_changes(service, visit):
    from nas.specs import Fidelity, ReferenceSpec
    from search_spaces import REFERENCE_HEADS

    fidelity = Fidelity(dataset="scenes", rungs=(100,))
    heads = ReferenceSpec(name="few heads", heads=REFERENCE_HEADS[:2], seeds=1, fidelity=fidelity)
    record, _ = service.store.create_search(heads)
    attempt = service.store.begin_driver(record.id)
    service.store.driver_started(record.id, attempt)
    page = visit(f"{service.url}/#/{record.id}")
    row = page.locator(".panel tbody tr").nth(1)
    expect(row).to_contain_text("ASPP (6, 12, 18)")
    service.store.add_trial(record.id, attempt, Proposal(0, REFERENCE_HEADS[1], fidelity, seed=0))
    service.store.record_measurement(record.id, 0, 1, measured(score=0.4321))
    service.store.finish_trial(record.id, 0, 1, TrialStatus.COMPLETED)
    expect(row).to_contain_text("0.4321")
