"""Charts as SVG, by the coordinates of what they draw."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from nas.drawing.typesetting import text_width
from nas.report.charts import SMALL, WIDTH, bars_chart, intervals_chart, lines_chart, scatter_chart
from nas.schemas.panels import (
    BarPublic,
    BarsPanel,
    IntervalPublic,
    IntervalsPanel,
    LinePublic,
    LinesPanel,
    PointPublic,
    ScatterPanel,
)

HOSTILE = "<script>alert(1)</script> & \u202e"


def elements(markup: str, tag: str, part: str = "") -> list[ElementTree.Element]:
    found = ElementTree.fromstring(markup).iter(tag)
    return [element for element in found if part in element.get("class", "")]


def lines(*points: tuple[float, float], steps: bool = False) -> LinesPanel:
    line = LinePublic(text=HOSTILE, mark="best", points=points)
    return LinesPanel(title=HOSTILE, x_text="epochs", lines=(line,), steps=steps)


def test_a_line_goes_through_its_points():
    drawn = lines_chart(lines((0, 0.0), (10, 1.0), (20, 0.5)))
    (path,) = elements(drawn, "path", "line m-best")
    (x1, y1), (x2, y2), (x3, y3) = (map(float, place.split(",")) for place in path.get("d", "")[1:].split("L"))
    assert (x2 - x1, y1 - y2) == (pytest.approx(x3 - x2, abs=0.02), pytest.approx(2 * (y3 - y2), abs=0.02))
    dots = elements(drawn, "circle", "dot m-best")
    assert [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots] == [(x1, y1), (x2, y2), (x3, y3)]


def test_steps_keep_their_height_until_the_next_point():
    (path,) = elements(lines_chart(lines((0, 0.0), (10, 1.0), steps=True)), "path", "line")
    places = [tuple(map(float, place.split(","))) for place in path.get("d", "")[1:].split("L")]
    (x1, low), corner, (x2, high) = places[0], places[2], places[-1]
    assert corner == (x2, low)
    assert (x1 < x2, high < low) == (True, True)


def test_texts_are_escaped_and_written_visibly():
    for drawn in (lines_chart(lines((0, 0.0))), bars_chart(BarsPanel(title="t", bars=(bar(HOSTILE, 0.5),)))):
        assert "<script" not in drawn
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\u202e" in drawn


def test_an_empty_chart_says_so():
    assert "nothing is measured yet" in lines_chart(LinesPanel(title="t", x_text="x", lines=()))
    assert "nothing is measured yet" in scatter_chart(ScatterPanel(title="t", x_text="x", y_text="y", points=()))


def test_points_have_intervals_and_names():
    point = PointPublic(x=1, y=0.5, text="tip", mark="best", label="#7", low=0.25, high=1.0)
    guide = LinePublic(text="zero", mark="stopped", points=((1, 0.0), (100, 0.0)))
    panel = ScatterPanel(title="t", x_text="x", y_text="y", points=(point,), lines=(guide,), x_log=True)
    drawn = scatter_chart(panel)
    span, *caps = elements(drawn, "line", "span m-best")
    (dot,) = elements(drawn, "circle")
    top, middle, bottom = float(span.get("y2", "")), float(dot.get("cy", "")), float(span.get("y1", ""))
    assert (bottom - middle) * 2 == pytest.approx(middle - top, abs=0.02)
    assert len(caps) == 2
    assert [text.text for text in elements(drawn, "text", "name")] == ["#7"]
    assert len(elements(drawn, "path", "line m-stopped")) == 1


def bar(text: str, value: float | None) -> BarPublic:
    return BarPublic(text=text, value=value, value_text="absent" if value is None else f"{value:.4f}")


def test_bars_are_as_long_as_their_values():
    drawn = bars_chart(BarsPanel(title="IoU", bars=(bar("road", 0.5), bar("sky", 1.0), bar("bus", None))))
    half, full = (float(rect.get("width", "")) for rect in elements(drawn, "rect", "bar"))
    assert full == 2 * half
    assert [text.text for text in elements(drawn, "text", "value")] == ["0.5000", "1.0000", "absent"]


def test_intervals_stand_in_rows():
    rows = (
        IntervalPublic(text="a", value=0.2, low=0.1, high=0.3, points=(0.1, 0.3), value_text="0.2 ± 0.1", mark="best"),
        IntervalPublic(text="b", value=-0.1, value_text="-0.1"),
    )
    drawn = intervals_chart(IntervalsPanel(title="t", x_text="x", rows=rows, zero=True))
    first, second = (float(dot.get("cy", "")) for dot in elements(drawn, "circle") if dot.get("r") == "4")
    assert first < second
    span = elements(drawn, "line", "span m-best")[0]
    value = next(dot for dot in elements(drawn, "circle", "m-best"))
    assert float(span.get("x1", "")) + float(span.get("x2", "")) == pytest.approx(2 * float(value.get("cx", "")))
    (zero,) = elements(drawn, "line", "axis")
    assert float(zero.get("x1", "")) < float(span.get("x1", ""))


def test_names_of_close_points_do_not_cover_each_other():
    points = tuple(
        PointPublic(x=x, y=0.5, text="tip", mark="completed", label="a long name") for x in (1.0, 1.01, 1.02, 5.0)
    )
    drawn = scatter_chart(ScatterPanel(title="t", x_text="x", y_text="y", points=points))
    heights = [float(text.get("y", "")) for text in elements(drawn, "text", "name")]
    assert len(set(heights[:3])) == 3
    assert heights[3] == heights[0]


def test_the_last_tick_ends_within_the_drawing():
    drawn = lines_chart(lines((0, 0.1), (20_000, 0.9)))
    ticks = {text.text: float(text.get("x", "")) for text in elements(drawn, "text") if text.get("y") == "246"}
    assert ticks["20,000"] + text_width("20,000", SMALL) / 2 == pytest.approx(WIDTH, abs=0.01)
    assert ticks["10,000"] < ticks["20,000"]
