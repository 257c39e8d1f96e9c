"""Every page by the Tab key from its top to its end, and in the order of a screen reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.api.routes.test_confirmations import HEADS, ask, measure
from tests.api.routes.test_rankings import searched
from tests.api.static.every_page import PAGES, go_to

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

import itertools

from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

WALKED = {
    **PAGES,
    "trial of a network": ("#/{auto_deeplab}/0", "svg.segnas-drawing"),
    "confirmation": ("#/{confirmation}", ".panel table"),
    "confirmed search": ("#/{confirmed}", ".panel table"),
    "report of a calibration": ("v1/searches/{calibration}/report", "svg.chart"),
}
STATIC = ("report", "report of a calibration")
"""Files to send: they have no navigation."""

MOST, QUIET = 600, 3000
"""Presses of Tab after which a page would be a trap, and milliseconds without a change after which a page is there."""

STOPS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ visibilityProperty: true }))"""

SEE = """() => {
    const one = document.activeElement;
    if (one === null || one === document.body || one === window.walked[0]) return null;
    const before = window.walked.at(-1), look = getComputedStyle(one), [part] = one.getClientRects();
    const { left, top, right, bottom } = one.getBoundingClientRect();
    const within = (value, most) => Math.max(0, Math.min(value, most - 1));
    const across = within((part.left + part.right) / 2, innerWidth);
    const hit = document.elementFromPoint(across, within((part.top + part.bottom) / 2, innerHeight));
    window.walked.push(one);
    return {
        what: `${one.tagName.toLowerCase()} ${one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 40)}`,
        outlined: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
        in_view: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
        uncovered: hit !== null && (one.contains(hit) || hit.contains(one)),
        follows: !before || Boolean(before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING),
        box: [left + scrollX, top + scrollY, right + scrollX, bottom + scrollY],
    };
}"""


BOXES = """all => all.map(one => one.getBoundingClientRect()).filter(box => box.width)
    .map(({ left, top, right, bottom }) => [left, top, right, bottom])"""


class Stop(NamedTuple):
    """What has the keyboard's focus after a press of Tab; the box is that on the whole page."""

    what: str
    outlined: bool
    in_view: bool
    uncovered: bool
    follows: bool
    box: tuple[float, float, float, float]


@pytest.fixture(scope="module")
def ids(service, every_kind) -> Mapping[str, str]:
    """A search of every kind, a confirmation too."""
    parent = searched(service)
    choice = {"how": "top", "count": 2}
    child = ask(service, parent, choose=choice, references=HEADS, seeds=3).json()["id"]
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    service.finish(child)
    return {**every_kind, "confirmed": parent, "confirmation": child}


@pytest.fixture
def opened(service, ids, browser: Browser) -> Iterator[Any]:
    """Open a page by its name, and wait until nothing more comes."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as window:

        def open_page(name: str) -> Page:
            page = window.new_page()
            go_to(page, service.url, WALKED[name], ids)
            known, quiet = -1, 0
            while quiet < QUIET:
                page.wait_for_timeout(500)
                count = page.evaluate("document.querySelectorAll('*').length")
                known, quiet = count, quiet + 500 if count == known else 0
            return page

        yield open_page


def walk(page: Page, key: str = "Tab") -> list[Stop]:
    """Press Tab until the focus has left the page, or is where it began."""
    page.evaluate("window.walked = []")
    stops: list[Stop] = []
    for _ in range(MOST):
        page.keyboard.press(key)
        found = page.evaluate(SEE)
        if found is None:
            return stops
        stops.append(Stop(**{**found, "box": tuple(found["box"])}))
    raise AssertionError(f"{MOST} presses of {key} do not leave the page: {[stop.what for stop in stops[-5:]]}")


def reads_on(before: tuple[float, ...], box: tuple[float, ...]) -> bool:
    """Whether a box is below another one, beside it, or right of it in a column of its own."""
    return box[3] > before[1] or box[0] >= before[2] - 1


@pytest.mark.parametrize("name", WALKED)
def test_tab_goes_from_the_top_to_the_end(opened, name):
    page = opened(name)
    stops = walk(page)
    assert stops, "nothing can be reached"
    for field in ("outlined", "in_view", "uncovered", "follows"):
        assert [stop.what for stop in stops if not getattr(stop, field)] == [], field
    jumps = [
        (before.what, stop.what) for before, stop in itertools.pairwise(stops) if not reads_on(before.box, stop.box)
    ]
    assert jumps == []
    assert page.evaluate(f"({STOPS})().filter(one => !window.walked.includes(one)).map(one => one.outerHTML)") == []
    page.evaluate("window.walked.at(-1).focus()")
    back = [stop.what for stop in walk(page, "Shift+Tab")]
    forth = [stop.what for stop in stops]
    assert back[: len(forth) - 1] == forth[-2::-1]


@pytest.mark.parametrize("name", WALKED)
def test_a_screen_reader_meets_headings_landmarks_and_names_in_order(opened, name):
    page = opened(name)
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', { key: 'Tab' }))")  # it is looked what scrolls
    page.evaluate(f"({STOPS})().forEach((one, at) => one.setAttribute('data-stop', at))")
    nodes = accessibility_tree(page)
    levels = [node["properties"]["level"] for node in nodes if node["role"] == "heading"]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert all(level <= before + 1 for before, level in itertools.pairwise(levels)), levels
    for landmark in ("banner", "main", *(() if name in STATIC else ("navigation",))):
        assert [node["role"] for node in nodes].count(landmark) == 1, landmark
    live = {(node["role"], node["properties"]["live"]) for node in nodes if "live" in node["properties"]}
    assert live <= {("status", "polite"), ("generic", "polite"), ("alert", "assertive")}
    nameless = [node for node in nodes if node["stop"] and not node["name"] and node["tag"] != "PRE"]
    assert nameless == []
    assert [node for node in nodes if node["role"] in ("image", "img") and not node["name"]] == []
    charts = [node for node in nodes if node["role"] == "application"]
    assert all(re.search(r", \d[\d,]* values?\b", chart["name"]) for chart in charts), charts
    assert all(chart["description"] for chart in charts)
    drawn = [chart for chart in charts if ", 0 values" not in chart["name"]]
    assert page.locator(".values > summary:visible").count() == len(drawn), "a table for each chart"
    boxes = [tuple(box) for box in page.locator("h1, h2, h3").evaluate_all(BOXES)]
    assert [pair for pair in itertools.pairwise(boxes) if not reads_on(*pair)] == []


def accessibility_tree(page: Page) -> list[dict[str, Any]]:
    """The browser's accessibility tree in the order in which it is read, without what is ignored."""
    client = page.context.new_cdp_session(page)
    client.send("DOM.enable")
    found = client.send("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in found}

    def order(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("childIds", ()):
            if child in by_id:
                yield from order(by_id[child])

    nodes = []
    for node in order(next(node for node in found if "parentId" not in node)):
        if node.get("ignored"):
            continue
        properties = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
        tag, attributes = "", []
        if properties.get("focusable"):
            described = client.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})["node"]
            tag, attributes = described["nodeName"], described.get("attributes", [])
        values = {field: node.get(field, {}).get("value", "") for field in ("role", "name", "description")}
        nodes.append({**values, "properties": properties, "tag": tag, "stop": "data-stop" in attributes})
    return nodes
