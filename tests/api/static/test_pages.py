"""The pages in a real browser, against a real service whose store holds a search of every kind.

The browser is the system's Chromium, started without a window by Playwright (conftest.py beside this file says how, and
what to install); `make pages` runs these tests alone. Every page is also watched: none writes an error to the console
or asks another host for anything.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from nas.drawing.palette import PALETTE
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from tests.builders import measured

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect
from pydantic import SecretStr

pytestmark = pytest.mark.slow

KINDS = ("black_box", "auto_deeplab", "reference", "full_scale", "calibration")


def get(service, path: str) -> Any:
    reply = service.http.get(path)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_the_list_shows_every_search_and_survives(service, every_kind, visit):
    page = visit(service.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(len(get(service, "/v1/searches")["items"]))
    for search_id in every_kind.values():
        search = get(service, f"/v1/searches/{search_id}")
        row = rows.filter(has=page.locator("code", has_text=search_id))
        for text in (search["name"], search["status"], search["method"], search["dataset"]):
            expect(row).to_contain_text(text)
        expect(row).to_contain_text(f"{search['best']['score']:.4f}")
    child = rows.filter(has_text=every_kind["full_scale"])
    expect(child).to_contain_text(f"full scale of {every_kind['black_box']}")
    # Asked for again twice, the list is as before, and a new search joins it.
    for _ in range(2):
        page.wait_for_event("response", lambda response: "/v1/searches?" in response.url)
    new = service.search(running=False, name="came later")
    expect(rows.filter(has_text="came later")).to_contain_text(new)


@pytest.mark.parametrize("before", [True, False], ids=["shown before", "not yet shown"])
def test_the_list_survives_a_service_that_is_away(service, visit, before):
    search_id = service.search(running=False, name="waits")
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    if before:
        page.goto(service.url)
        expect(page.locator("tbody")).to_contain_text(search_id)
    page.route("**/v1/searches?*", lambda route: route.abort())
    if before:
        page.wait_for_event("requestfailed", lambda request: "/v1/searches?" in request.url)
        expect(page.locator("tbody")).to_contain_text(search_id)
    else:
        page.goto(service.url)
    expect(page.get_by_role("status")).to_contain_text("The service does not answer: trying again")
    later = service.search(running=False, name="came meanwhile")
    page.unroute("**/v1/searches?*")
    expect(page.locator("tbody")).to_contain_text(later)
    expect(page.get_by_role("status")).to_have_text("")


def test_a_changed_list_keeps_focus_and_rows(service, visit):
    first, second = (service.search(name=name) for name in ("stays", "changes"))
    page = visit(service.url)
    page.get_by_role("link", name="stays").focus()
    kept = page.locator("tbody tr").filter(has_text=first).element_handle()
    service.finish(second)
    expect(page.locator("tbody tr").filter(has_text=second)).to_contain_text("completed")
    assert kept.evaluate("row => row.isConnected && row.contains(document.activeElement)")
    page.get_by_role("link", name="changes").focus()
    service.store.edit_search(second, tags=["seen"])
    expect(page.locator("tbody tr").filter(has_text=second)).to_contain_text("seen")
    assert page.evaluate("document.activeElement.textContent") == "changes"


def test_the_list_by_status_and_tag(home, serve, visit):
    service = serve(home)
    done, running = service.search(name="is done"), service.search(name="runs")
    service.finish(done)
    service.store.edit_search(done, tags=["paper"])
    page = visit(service.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Status").select_option("running")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(running)
    page.get_by_label("Status").select_option("any")
    page.get_by_role("link", name="paper").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(done)
    page.get_by_label("Status").select_option("failed")
    expect(page.locator("main")).to_contain_text("No search is like this")
    page.get_by_role("link", name="Show all searches").click()
    expect(rows).to_have_count(2)


def test_a_long_list_goes_on_below(home, serve, visit):
    service = serve(home)
    for number in range(101):
        service.search(running=False, name=f"search {number}")
    page = visit(service.url)
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("tbody tr")).to_have_count(101)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_an_empty_list_says_what_to_do(home, serve, visit):
    service = serve(home)
    page = visit(service.url)
    expect(page.locator("main pre")).to_contain_text("segnas submit")


def test_a_search_is_opened_from_the_list(service, every_kind, visit):
    page = visit(service.url)
    page.locator("tbody tr").filter(has_text="trellis").get_by_role("link", name="trellis").click()
    expect(page.locator("h1")).to_have_text("trellis")
    assert page.url.endswith(f"#/{every_kind['auto_deeplab']}")
    page.get_by_role("link", name="All searches").click()
    expect(page.get_by_role("heading", name="Searches")).to_be_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_of_every_kind(service, every_kind, visit, kind):
    search_id = every_kind[kind]
    search = get(service, f"/v1/searches/{search_id}")
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("h1")).to_have_text(search["name"])
    expect(page.locator("#view .pill").first).to_have_text(search["status"])
    expect(page.locator(".steps")).to_contain_text(f"{search['best']['score']:.4f} mIoU")
    expect(page.locator(".steps")).to_contain_text(f"{search['cost']['duration']} of device time")
    trials = get(service, f"/v1/searches/{search_id}/trials?limit=500")["items"]
    board = page.locator("#view > .card").last.locator("tbody tr")
    expect(board).to_have_count(len(trials))
    ranked = sorted(trials, key=lambda trial: (trial["standing"] is None, _descending(trial), trial["number"]))
    # The page draws the board again whenever something arrives, so a row may be replaced while it is being read.
    expect(board.locator("td:nth-child(2)")).to_have_text([f"#{trial['number']}" for trial in ranked])
    expect(board.locator("td:nth-child(6)")).to_have_text([trial["duration"] for trial in ranked])
    assert board.locator("code").all_inner_texts() == [trial["text"] for trial in ranked]
    for chart in ("learning curves", "scores"):
        expect(page.get_by_role("region", name=chart).locator("canvas")).to_be_attached()


def _descending(trial: dict[str, Any]) -> tuple[float, ...]:
    return tuple(-number for number in trial["standing"] or ())


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
    assert sorted(_values(place)) == sorted(shown)
    assert panel["x_text"] in place.locator(".plane").get_attribute("aria-label")
    assert place.locator(".legend span").all_inner_texts() == [entry["text"] for entry in panel["legend"]]


def _scatter(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    assert sorted(_values(place)) == sorted(point["text"] for point in panel["points"])
    assert f"by {panel['x_text']}, {len(panel['points'])} values" in place.locator(".plane").get_attribute("aria-label")
    heads = place.locator(".values thead")
    expect(heads).to_contain_text(panel["x_text"])
    expect(heads).to_contain_text(panel["y_text"])


def _values(place: Any) -> list[str]:
    """The texts in the table below a chart, which is made when it is opened."""
    place.locator(".values summary").click()
    expect(place.locator(".values tbody")).to_be_attached()
    return place.locator(".values tbody td:first-child").all_inner_texts()


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}"


def _spans(place: Any, panel: dict[str, Any]) -> None:
    expect(place.locator("canvas")).to_be_attached()
    assert sorted(_values(place)) == sorted(span["text"] for span in panel["spans"])
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
    assert sorted(_values(place)) == sorted(shown)
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


def test_a_trial_has_a_page(service, every_kind, visit, tmp_path: Path):
    search_id = every_kind["black_box"]
    trial = get(service, f"/v1/searches/{search_id}/trials/0")
    sent = get(service, f"/v1/searches/{search_id}/trials/0/panels")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("link", name="#0", exact=True).click()
    expect(page.locator("h1")).to_have_text("Trial 0")
    expect(page.locator("#view .pill")).to_have_text(trial["status"])
    panels = [single for panel in sent for single in panel.get("panels", [panel])]
    expect(page.locator(".panel")).to_have_count(len(panels))
    bars = next(panel for panel in panels if panel["type"] == "bars")
    shown = page.locator("table.bars tr")
    expect(shown.locator("th")).to_have_text([bar["text"] for bar in bars["bars"]])
    expect(shown.locator("td.number")).to_have_text([bar["value_text"] for bar in bars["bars"]])
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save document").click()
    saved.value.save_as(tmp_path / "trial.json")
    assert json.loads((tmp_path / "trial.json").read_text()) == trial["document"]
    drawing = service.http.get(f"/v1/searches/{search_id}/trials/0/drawing").text
    expect(page.get_by_role("img", name="Dense prediction cell")).to_have_count(1)
    expect(page.locator("svg.segnas-drawing rect")).to_have_count(drawing.count("<rect "))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save drawing").click()
    saved.value.save_as(tmp_path / "trial.svg")
    assert (tmp_path / "trial.svg").read_text() == drawing
    page.get_by_role("link", name=f"Search {search_id}").click()
    expect(page.locator("h1")).not_to_contain_text("Trial")


def test_a_trial_whose_drawing_fails_at_first_is_shown_later(service, visit):
    search_id = service.search(name="drawn later")
    service.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/drawing", lambda route: route.abort())
    page.goto(f"{service.url}/#/{search_id}/0")
    expect(page.get_by_role("status")).to_contain_text("trying again")
    page.unroute("**/drawing")
    expect(page.locator("svg.segnas-drawing")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("")


def test_a_panel_whose_drawing_fails_at_first_is_shown_later(service, every_kind, visit):
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/drawing", lambda route: route.abort())
    page.goto(f"{service.url}/#/{every_kind['auto_deeplab']}")
    expect(page.locator(".panel.drawing")).to_contain_text("The service does not answer")
    page.unroute("**/drawing")
    expect(page.locator("svg.segnas-drawing")).to_be_visible()


def test_a_running_trial_is_followed(service, visit):
    search_id = service.search(name="followed")
    service.trial(search_id, 0)
    page = visit(f"{service.url}/#/{search_id}/0")
    expect(page.locator("main")).to_contain_text("no rung is measured yet")
    service.store.record_measurement(search_id, 0, 1, measured(100, 0.4321))
    expect(page.locator("main")).to_contain_text("0.4321 mIoU")
    service.store.finish_trial(search_id, 0, 1, TrialStatus.PRUNED)
    expect(page.locator("#view .pill")).to_have_text("pruned")


def test_a_search_is_followed_live_to_its_end(service, visit):
    search_id = service.search(name="live")
    service.trial(search_id, 0, 0.25)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator(".steps")).to_contain_text("0.2500 mIoU")
    expect(page.locator("#view .muted").first).to_have_text("live")
    service.trial(search_id, 1, 0.3, 0.75, end=TrialStatus.COMPLETED)
    expect(page.locator(".steps")).to_contain_text("0.7500 mIoU")
    expect(page.locator("tr.chosen")).to_contain_text("#1")
    service.finish(search_id)
    expect(page.locator("h1 + .pill")).to_have_text("completed")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_scores_are_shown_at_the_rung_of_the_best_trial(service, visit):
    search_id = service.search(name="a deeper failure")
    service.trial(search_id, 0, 0.25, end=TrialStatus.PRUNED)
    service.trial(search_id, 1, 0.3, 0.2, end=TrialStatus.FAILED)
    assert get(service, f"/v1/searches/{search_id}")["best"]["iteration"] == 100
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("h2").nth(1)).to_have_text("Scores at iteration 100, and the best so far")
    chart = page.locator("figure.chart").nth(1)
    expect(chart.locator(".plane")).to_have_attribute("aria-label", re.compile("by trial, 1 value,"))
    assert _values(chart) == ["trial 0: 0.2500"]


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


def test_best_is_saved_as_the_service_gives_it(service, every_kind, visit, tmp_path: Path):
    search_id = every_kind["black_box"]
    page = visit(f"{service.url}/#/{search_id}")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save best.json").click()
    assert saved.value.suggested_filename == f"best-{search_id}.json"
    saved.value.save_as(tmp_path / "best.json")
    assert json.loads((tmp_path / "best.json").read_text()) == get(service, f"/v1/searches/{search_id}/best")


def test_nothing_to_save_before_the_first_score(service, visit):
    page = visit(f"{service.url}/#/{service.search(name='empty')}")
    expect(page.locator("h1")).to_have_text("empty")
    expect(page.get_by_role("button", name="Save best.json")).to_have_count(0)
    expect(page.locator(".plane").first).to_contain_text("no scores yet")


def test_a_search_is_stopped(service, visit):
    search_id = service.search(name="too long")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert get(service, f"/v1/searches/{search_id}")["status"] == "running"
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator("h1 + .pill")).to_have_text(re.compile("stopping|stopped"))
    assert get(service, f"/v1/searches/{search_id}")["status"] in ("stopping", "stopped")


def test_a_search_that_is_over_goes_on(service, visit):
    search_id = service.search(name="goes on")
    service.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.finish(search_id)
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Extend").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("trials")).to_have_value("20")
    dialog.get_by_label("trials").fill("30")
    dialog.get_by_label("trials").press("Enter")
    expect(page.locator("h1 + .pill")).to_have_text("queued")
    expect(page.locator(".steps")).to_contain_text("of 30")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1 + .pill")).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("h1 + .pill")).to_have_text("queued")


def test_a_search_is_renamed_and_deleted(service, visit):
    search_id = service.search(running=False, name="before")
    page = visit(f"{service.url}/#/{search_id}", complaints=("409",))
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("after")
    dialog.get_by_label("Tags").fill("one two")
    dialog.get_by_label("Notes").fill("first line\nsecond line")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("after")
    shown = get(service, f"/v1/searches/{search_id}")
    assert (shown["name"], shown["tags"], shown["notes"]) == ("after", ["one", "two"], "first line\nsecond line")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1 + .pill")).to_have_text("paused")
    page.get_by_role("button", name="Delete").click()
    service.store.resume_search(search_id)  # by somebody else, meanwhile
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("stop it first")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Searches")).to_be_visible()
    assert service.http.get(f"/v1/searches/{search_id}").status_code == 404


def test_what_a_user_wrote_is_text(service, visit):
    name = "<b>bold</b> <img src=x>"
    search_id = service.search(name=name)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#view img, #view b")).to_have_count(0)


def test_a_search_that_is_not_there(service, visit):
    page = visit(f"{service.url}/#/s000000000000", complaints=("404",))
    expect(page.locator("p.wrong")).to_contain_text("s000000000000")
    expect(page.get_by_role("link", name="All searches")).to_be_visible()


def test_a_service_with_a_token_asks_for_it(home, serve, visit):
    guarded = serve(home.model_copy(update={"token": SecretStr("a token of at least sixteen letters")}))
    guarded.search(name="behind the token")
    page = visit(guarded.url, complaints=("401",))
    page.get_by_placeholder("token").fill("a token of at least sixteen letters")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("tbody tr")).to_contain_text("behind the token")


def test_the_api_page_shows_every_operation(service, visit):
    page = visit(f"{service.url}/docs")
    expect(page.locator("h1")).to_contain_text("Segnas")
    paths = get(service, "/openapi.json")["paths"]
    operations = sum(len(item) for item in paths.values())
    expect(page.locator("section > details")).to_have_count(operations)
    panels = page.locator("section > details").filter(has=page.get_by_text("/v1/searches/{search_id}/panels"))
    panels.locator("summary").first.click()
    expect(panels.locator("pre").first).to_contain_text("curl -s")


def test_a_drawing_opened_by_itself_is_dark_where_the_system_is(service, every_kind, visit):
    """So the policy lets the stylesheet inside the drawing work; a refusal would be in the console."""
    for path in ("trials/0/drawing", "snapshots/0/5/drawing"):
        kind = "black_box" if path.startswith("trials") else "auto_deeplab"
        page = visit(f"{service.url}/v1/searches/{every_kind[kind]}/{path}", complaints=("/favicon.ico",))
        ground = page.locator("rect").first
        for scheme, shade in (("light", 0), ("dark", 1)):
            page.emulate_media(color_scheme=scheme)
            expect(ground).to_have_css("fill", _rgb(PALETTE["surface"][shade]))


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))})"
