"""Searches side by side, and the report that is saved from a search's page, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


OVERLAPS = """() => [...document.querySelectorAll(".pair")].filter((pair) => {
    const [first, second] = [...pair.children].map((one) => one.querySelector("table") ?? one)
        .map((one) => one.getBoundingClientRect());
    return second && second.top < first.bottom && first.right > second.left;
}).map((pair) => pair.textContent)"""
"""The pairs of a report in which the first lies on the second."""


def test_two_ticks_in_the_list_lead_to_the_comparison(service, every_kind, visit):
    page = visit(service.url)
    rows = page.locator("tbody tr")
    compare = page.get_by_role("button", name=re.compile("Compare"))
    expect(compare).to_be_disabled()
    ids = [every_kind[kind] for kind in ("reference", "black_box")]
    names = ["heads", "a search"]
    for search_id, name, text in zip(ids, names, ("Compare: tick another", "Compare 2"), strict=True):
        rows.filter(has=page.locator("code", has_text=search_id)).get_by_label(f"compare {name}").check()
        expect(compare).to_have_text(text)
    # A tick survives the list being asked for again.
    page.wait_for_event("response", lambda response: "/v1/searches?" in response.url)
    expect(rows.get_by_role("checkbox", checked=True)).to_have_count(2)
    compare.click()
    expect(page.locator("h1")).to_have_text("2 searches side by side")
    assert page.url.endswith(f"#/compare/{','.join(ids)}")


def test_the_comparison_shows_what_the_service_says(service, every_kind, visit):
    ids = [every_kind[kind] for kind in ("black_box", "full_scale", "auto_deeplab")]
    found = service.http.get("/v1/comparison", params={"search": ids}).json()
    page = visit(f"{service.url}/#/compare/{','.join(ids)}")
    expect(page.locator("h1")).to_have_text("3 searches side by side")
    for note in found["notes"]:
        expect(page.locator("main")).to_contain_text(note)
    expect(page.locator(".notice")).to_have_text(found["notes"][0])
    panels = [single for panel in found["panels"] for single in panel.get("panels", [panel])]
    expect(page.locator(".panel")).to_have_count(len(panels))
    curves, _, best, settings = panels
    for panel, place in ((best, page.locator(".panel").nth(2)), (settings, page.locator(".panel").nth(3))):
        cells = [" ".join(cell.split()) for row in panel["rows"] for cell in row]
        expect(place.locator("tbody td")).to_have_text(cells)
    assert page.locator(".panel").first.locator(".legend span").all_inner_texts() == [
        entry["text"] for entry in curves["legend"]
    ]
    drawings = page.locator(".drawings > section")
    expect(drawings).to_have_count(3)
    expect(drawings.locator("svg")).to_have_count(3)
    expect(drawings.first.locator("h2")).to_contain_text("0.6000")
    page.get_by_role("link", name="All searches").click()
    expect(page.get_by_role("heading", name="Searches")).to_be_visible()


def test_a_comparison_of_what_is_not_there_says_so(service, every_kind, visit):
    page = visit(f"{service.url}/#/compare/{every_kind['black_box']},s000000000000", complaints=("404",))
    expect(page.locator(".wrong").last).to_contain_text("there is no search")
    page.goto(f"{service.url}/#/compare/{every_kind['black_box']}")


@pytest.mark.parametrize("kind", ["black_box", "auto_deeplab", "reference", "full_scale", "calibration"])
def test_a_saved_report_is_read_without_the_service(service, every_kind, browser, visit, tmp_path: Path, kind):
    page = visit(f"{service.url}/#/{every_kind[kind]}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save report").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"report-{every_kind[kind]}.html"
    heard: list[str] = []
    with browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark") as window:
        sent = window.new_page()
        sent.on("console", lambda message: heard.append(message.text))
        sent.on("request", lambda request: heard.append(request.url))
        sent.goto(file.as_uri())
        expect(sent.locator("h2").last).to_have_text("What the words mean")
        assert sent.evaluate("document.documentElement.scrollWidth") <= 390
        # Its stylesheet is allowed by its own policy: the dark page has a dark ground.
        assert sent.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 26)"
        assert sent.locator("svg.chart, table").count() > 1
        sent.emulate_media(media="print")
        assert sent.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        surfaces = sent.locator("svg.segnas-drawing .f-surface").evaluate_all(
            "shapes => shapes.map((shape) => getComputedStyle(shape).fill)"
        )
        assert set(surfaces) <= {"rgb(255, 255, 255)"}, "paper is white for a reader who likes it dark"
        marks = sent.locator(".legend i").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).printColorAdjust)"
        )
        assert set(marks) <= {"exact"}, "a legend without its colours says nothing"
        # No table lies on what stands beside it, on A4 between its margins.
        sent.set_viewport_size({"width": 794, "height": 1000})
        sent.evaluate("document.body.style.width = '688px'")
        assert sent.evaluate(OVERLAPS) == []
    assert heard == [file.as_uri()]
