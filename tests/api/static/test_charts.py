"""The charts of the pages in a real browser: hover, keys, zoom, live data, colours, width."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.status import TrialStatus
from tests.builders import measured

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(service, visit):
    """A running search of three trials, its page, and the chart of the scores by trial."""
    search_id = service.search(name="charted")
    for number, score in enumerate((0.25, 0.75, 0.5)):
        service.trial(search_id, number, 0.2, score, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/#/{search_id}", complaints=("willReadFrequently",))  # a test reads pixels
    chart = page.locator("figure.chart").nth(1)
    expect(chart.locator(".u-over")).to_be_visible()
    return search_id, page, chart


def _box(chart: Any) -> dict[str, float]:
    chart.scroll_into_view_if_needed()
    return chart.locator(".u-over").bounding_box()


def _drag(page: Any, chart: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the plane of a chart, between two places given in parts of its width and height."""
    box = _box(chart)
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def _ticks(chart: Any) -> Any:
    """The ends of both axes."""
    return chart.locator(".plane").evaluate("p => Object.values(p.chart.plot.scales).map(s => [s.min, s.max])")


def test_the_nearest_value_is_shown(opened):
    _, page, chart = opened
    box = _box(chart)
    # The plane shows trials 0 to 2 and a margin of 0.1; scores 0.25 to 0.75 and a margin of 0.025 on both sides.
    page.mouse.move(box["x"] + box["width"] * 2 / 2.1 - 3, box["y"] + box["height"] / 2 + 4)
    expect(chart.locator(".tip")).to_have_text("trial 2: 0.5000")
    expect(chart.locator(".ring")).to_be_visible()
    page.mouse.move(0, 0)
    expect(chart.locator(".tip")).to_have_text("")


def test_the_keys_go_from_value_to_value_and_zoom(opened):
    chart = opened[2]
    plane, said = chart.locator(".plane"), chart.locator(".tip")
    for key, text in (
        ("ArrowRight", "trial 0: 0.2500"),
        ("ArrowRight", "trial 1: 0.7500"),
        ("End", "trial 2: 0.5000"),
        ("ArrowRight", "trial 2: 0.5000"),
        ("Home", "trial 0: 0.2500"),
        ("ArrowRight", "trial 1: 0.7500"),
    ):
        plane.press(key)
        expect(said).to_have_text(text)
    before = _ticks(chart)
    plane.press("+")
    (x_from, x_to), _ = _ticks(chart)
    assert (x_from, x_to) == pytest.approx((0.5, 1 + (before[0][1] - 1) / 2))
    plane.press("Escape")
    assert _ticks(chart) == before


def test_a_zoom_stays_while_trials_come_until_everything_is_asked_for(service, opened):
    search_id, page, chart = opened
    everything = chart.get_by_role("button", name="Show all")
    expect(everything).to_be_hidden()
    before = _ticks(chart)
    _drag(page, chart, (0.1, 0.2), (0.6, 0.8))
    expect(everything).to_be_visible()
    zoomed = _ticks(chart)
    (x_from, x_to), (y_from, y_to) = zoomed
    assert (x_from, x_to) == pytest.approx((0.1 * before[0][1], 0.6 * before[0][1]), abs=0.02)
    height = before[1][1] - before[1][0]
    assert (y_from, y_to) == pytest.approx((before[1][0] + 0.2 * height, before[1][0] + 0.8 * height), abs=0.01)
    service.trial(search_id, 3, 0.2, 0.9, end=TrialStatus.COMPLETED)
    expect(page.locator("tr.chosen")).to_contain_text("#3")
    assert _ticks(chart) == zoomed
    everything.click()
    expect(everything).to_be_hidden()
    (x_from, x_to), (y_from, y_to) = _ticks(chart)
    assert x_to > 3
    assert y_to > 0.9


def test_two_fingers_zoom_and_one_moves(opened):
    _, page, chart = opened
    box, before = _box(chart), _ticks(chart)
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind: str, *places: tuple[float, float]) -> None:
        """`places` in parts of the width, and of the height from below."""
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + (1 - y) * box["height"], "id": index}
            for index, (x, y) in enumerate(places)
        ]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def ends(*parts: tuple[float, float]) -> list[Any]:
        """Ends of the axes at these parts of the whole ones."""
        return [
            pytest.approx([low + part * (high - low) for part in along], abs=0.01 * (high - low))
            for (low, high), along in zip(before, parts, strict=True)
        ]

    touch("touchStart", (0.4, 0.4), (0.6, 0.6))
    touch("touchMove", (0.2, 0.2), (0.8, 0.8))  # three times as far apart, about the middle
    touch("touchEnd")
    assert _ticks(chart) == ends((1 / 3, 2 / 3), (1 / 3, 2 / 3))
    expect(chart.get_by_role("button", name="Show all")).to_be_visible()
    touch("touchStart", (0.5, 0.5))
    touch("touchMove", (0.65, 0.5))
    touch("touchMove", (0.8, 0.5))
    touch("touchEnd")
    assert _ticks(chart) == ends((1 / 3 - 0.1, 2 / 3 - 0.1), (1 / 3, 2 / 3))
    touch("touchStart", (0.1, 0.4), (0.9, 0.6))
    touch("touchMove", (0.45, 0.4), (0.55, 0.6))  # an eighth as far apart, and never more than everything
    touch("touchEnd")
    assert _ticks(chart)[0] == ends((0, 1), (0, 1))[0]


def test_a_finger_shows_the_value_and_zooms_nothing(opened):
    _, page, chart = opened
    before, box = _ticks(chart), _box(chart)
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    place = {"x": box["x"] + box["width"] / 2.1, "y": box["y"] + box["height"] * 0.05 / 0.55}
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(chart.locator(".tip")).to_have_text("trial 1: 0.7500")
    assert _ticks(chart) == before


def test_colours_follow_the_system(opened):
    _, page, chart = opened
    colours = """plane => {
        const canvas = plane.querySelector("canvas"), { width, height } = canvas;
        const data = canvas.getContext("2d").getImageData(0, 0, width, height).data, found = new Set();
        for (let at = 0; at < data.length; at += 4) found.add(data.slice(at, at + 3).join(" "));
        return [...found];
    }"""
    light, dark = "29 78 216", "91 141 246"  # of a completed trial, in style.css
    found = chart.locator(".plane").evaluate(colours)
    assert light in found
    assert dark not in found
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        f"plane => ({colours})(plane).includes('{dark}')", arg=chart.locator(".plane").element_handle()
    )
    assert light not in chart.locator(".plane").evaluate(colours)


def test_a_chart_is_as_wide_as_the_page(opened):
    _, page, chart = opened
    for width in (390, 1280, 700):
        page.set_viewport_size({"width": width, "height": 900})
        expect(chart.locator(".u-over")).to_be_visible()
        page.wait_for_function(
            "plane => Math.abs(plane.clientWidth - plane.querySelector('.uplot').offsetWidth) < 2",
            arg=chart.locator(".plane").element_handle(),
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_chart_that_left_the_page_has_no_plot(opened):
    _, page, chart = opened
    plane = chart.locator(".plane").element_handle()
    page.get_by_role("link", name="All searches").click()
    page.wait_for_function("plane => plane.chart.plot === null", arg=plane)


def test_every_value_is_in_a_table(opened):
    chart = opened[2]
    chart.locator("summary").click()
    expect(chart.locator(".values tbody tr")).to_have_text(
        ["trial 0: 0.250000.2500", "trial 1: 0.750010.7500", "trial 2: 0.500020.5000"]
    )


def test_sizes_of_several_magnitudes_have_a_logarithmic_axis(service, visit):
    search_id = service.search(name="sized")
    for number, parameters in enumerate((1000, 20_000, 300_000)):
        service.trial(search_id, number)
        for rung in (100, 200):
            found = measured(rung, 0.1 * number + 0.2, parameters=parameters, multiply_adds=2 * parameters)
            service.store.record_measurement(search_id, number, 1, found)
    page = visit(f"{service.url}/#/{search_id}")
    panel = page.locator(".panel.scatter").filter(has_text="mIoU against parameters")
    expect(panel.locator(".u-over")).to_be_visible()
    axis, scales = "chart.plot.axes[0]._values", "Object.values(p.chart.plot.scales)[0]"
    assert panel.locator(".plane").evaluate(f"p => p.{axis}") == ["1000", "5000", "20 k", "100 k"]
    low, middle, high = panel.locator(".plane").evaluate(
        f"p => [1000, Math.sqrt({scales}.min * {scales}.max), 300000].map(x => p.chart.plot.valToPos(x, 'x'))"
    )
    assert middle == pytest.approx((low + high) / 2, abs=1), "equal ratios are equally far apart"
