"""Charts as SVG: lines, points with intervals, bars; their colours are those of the report's stylesheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from nas.drawing.svg import number
from nas.drawing.typesetting import text_width
from nas.escaping import one_line
from nas.report.alternatives import bars_text, intervals_text, lines_text, scatter_text, spans_text
from nas.report.axes import Axis, linear_axis, log_axis, tick_text
from nas.schemas.panels import BarsPanel, IntervalsPanel, LinePublic, LinesPanel, PointPublic, ScatterPanel, SpansPanel

WIDTH, HEIGHT = 420.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 12.0, 40.0
SMALL = 11.5
"""Size of the text, in units of the drawing: on a phone, whose width the drawing fills, still readable."""

MOST_DOTS = 60
"""Points of a line up to which each is marked."""

Points = Sequence[tuple[float, float]]


def lines_chart(panel: LinesPanel) -> Markup:
    """Draw a chart of lines; the last one is on top."""
    points = [point for line in panel.lines for point in line.points]
    frame = _Frame(panel, [x for x, _ in points], [y for _, y in points], panel.y_text, zero=True)
    for line in panel.lines:
        frame.line(line, steps=panel.steps)
        if not panel.steps and len(line.points) <= MOST_DOTS:
            for x, y in line.points:
                frame.dot(PointPublic(x=x, y=y, text=f"{line.text}: {y:.4f} at {x:g}", mark=line.mark))
    return frame.markup()


def scatter_chart(panel: ScatterPanel) -> Markup:
    """Draw points with their intervals and names, over the lines of the chart."""
    ends = [end for point in panel.points for end in (point.low, point.high) if end is not None]
    through = [point for line in panel.lines for point in line.points]
    xs = [*(point.x for point in panel.points), *(x for x, _ in through)]
    ys = [*(point.y for point in panel.points), *ends, *(y for _, y in through)]
    frame = _Frame(panel, xs, ys, panel.y_text)
    for line in panel.lines:
        frame.line(line, steps=True, dashed=True)
    for point in panel.points:
        frame.interval(point)
    for point in panel.points:
        frame.dot(point)
    for point in panel.points:
        frame.name(point)
    return frame.markup()


def bars_chart(panel: BarsPanel) -> Markup:
    """Draw horizontal bars from 0 to 1, each with its name before it and its value behind it."""
    before = max((text_width(one_line(bar.text), SMALL) for bar in panel.bars), default=0.0) + 8
    behind = max((text_width(bar.value_text, SMALL) for bar in panel.bars), default=0.0) + 8
    row, full = 18.0, max(60.0, WIDTH - before - behind)
    svg = _svg(before + full + behind, row * len(panel.bars) + 4, bars_text(panel))
    for index, bar in enumerate(panel.bars):
        y = 2 + row * index
        _text(svg, before - 6, y + 13, bar.text, "end", "name")
        _add(svg, "rect", "rail", x=before, y=y + 4, width=full, height=10, rx=2)
        if bar.value is not None:
            _add(svg, "rect", "bar", x=before, y=y + 4, width=full * bar.value, height=10, rx=2)
        _text(svg, before + full + 6, y + 13, bar.value_text, "start", "value")
    return _markup(svg)


def intervals_chart(panel: IntervalsPanel) -> Markup:
    """Draw rows of intervals on one horizontal axis: the single results, the value, its interval."""
    row, before = 20.0, max((text_width(one_line(one.text), SMALL) for one in panel.rows), default=0.0) + 10
    width, floor = max(WIDTH, before + 220), 6 + row * len(panel.rows)
    svg = _svg(width, floor + BOTTOM, intervals_text(panel))
    ends = [end for one in panel.rows for end in (one.value, one.low, one.high, *one.points) if end is not None]
    x = linear_axis([*ends, *([0.0] if panel.zero else []), *(line.x for line in panel.lines)], before, width - RIGHT)
    for tick, written, middle in _with_room(x):
        _add(svg, "line", "grid", x1=x(tick), x2=x(tick), y1=4, y2=floor)
        _text(svg, middle, floor + 15, written, "middle")
    if panel.zero:
        _add(svg, "line", "axis", x1=x(0.0), x2=x(0.0), y1=4, y2=floor)
    for line in panel.lines:
        across = _add(svg, "line", f"span m-{line.mark}", x1=x(line.x), x2=x(line.x), y1=4, y2=floor)
        SubElement(across, "title").text = one_line(line.text)
    _text(svg, (before + width) / 2, floor + 33, panel.x_text, "middle")
    for index, one in enumerate(panel.rows):
        y = 6 + row * (index + 0.5)
        _text(svg, before - 8, y + 4, one.text, "end", "name")
        for value in one.points:
            _add(svg, "circle", "dot m-pruned", cx=x(value), cy=y, r=2.4)
        if one.low is not None and one.high is not None:
            _add(svg, "line", f"span m-{one.mark}", x1=x(one.low), x2=x(one.high), y1=y, y2=y)
            for end in (one.low, one.high):
                _add(svg, "line", f"span m-{one.mark}", x1=x(end), x2=x(end), y1=y - 4, y2=y + 4)
        if one.value is not None:
            dot = _add(svg, "circle", f"dot m-{one.mark}", cx=x(one.value), cy=y, r=4)
            SubElement(dot, "title").text = one_line(f"{one.text}: {one.value_text}")
    return _markup(svg)


def spans_chart(panel: SpansPanel) -> Markup:
    """Draw spans in rows on one horizontal axis."""
    rows = 1 + max((span.row for span in panel.spans), default=0)
    row, left = max(2.0, min(16.0, 240.0 / rows)), 18.0
    floor = 6 + row * rows
    svg = _svg(WIDTH, floor + BOTTOM, spans_text(panel))
    x = linear_axis([end for span in panel.spans for end in (span.start, span.end)], left, WIDTH - RIGHT, zero=True)
    for tick, written, middle in _with_room(x):
        _add(svg, "line", "grid", x1=x(tick), x2=x(tick), y1=4, y2=floor)
        _text(svg, middle, floor + 15, written, "middle")
    _text(svg, (left + WIDTH) / 2, floor + 33, panel.x_text, "middle")
    for span in panel.spans:
        width, top = max(0.6, x(span.end) - x(span.start)), 6 + row * (span.row + 0.15)
        element = _add(svg, "rect", f"dot m-{span.mark}", x=x(span.start), y=top, width=width, height=row * 0.7)
        SubElement(element, "title").text = one_line(span.text)
    return _markup(svg)


class _Frame:
    """A chart with its axes, into which lines and points are drawn."""

    def __init__(
        self,
        panel: LinesPanel | ScatterPanel,
        xs: Sequence[float],
        ys: Sequence[float],
        y_text: str | None,
        zero: bool = False,
    ) -> None:
        self._left = LEFT + (16 if y_text else 0)
        said = lines_text(panel) if isinstance(panel, LinesPanel) else scatter_text(panel)
        self._svg = _svg(WIDTH, HEIGHT, said)
        left, right, floor = self._left, WIDTH - RIGHT, HEIGHT - BOTTOM
        self.x = log_axis(xs, left, right) if panel.x_log else linear_axis(xs, left, right, zero=zero)
        self.y = log_axis(ys, floor, TOP) if panel.y_log else linear_axis(ys, floor, TOP)
        self._names: list[tuple[float, float, float]] = []
        self._grid(panel.x_text, y_text)
        if not xs:
            _text(self._svg, (left + right) / 2, HEIGHT / 2, "nothing is measured yet", "middle")

    def _grid(self, x_text: str, y_text: str | None) -> None:
        left, right, floor = self._left, WIDTH - RIGHT, HEIGHT - BOTTOM
        for tick in self.y.ticks:
            at = self.y(tick)
            _add(self._svg, "line", "grid", x1=left, x2=right, y1=at, y2=at)
            _text(self._svg, left - 6, at + 4, tick_text(tick, self.y.ticks), "end")
        _add(self._svg, "line", "axis", x1=left, x2=right, y1=floor, y2=floor)
        for tick, written, middle in _with_room(self.x):
            _add(self._svg, "line", "axis", x1=self.x(tick), x2=self.x(tick), y1=floor, y2=floor + 4)
            _text(self._svg, middle, floor + 16, written, "middle")
        _text(self._svg, (left + right) / 2, HEIGHT - 5, x_text, "middle")
        if y_text:
            element = _text(self._svg, 0, 0, y_text, "middle")
            element.set("transform", f"translate(13 {number((TOP + floor) / 2)}) rotate(-90)")

    def line(self, line: LinePublic, *, steps: bool, dashed: bool = False) -> None:
        if len(line.points) < 2:
            return
        corners = _stairs(line.points) if steps else line.points
        path = "L".join(f"{number(self.x(x))},{number(self.y(y))}" for x, y in corners)
        element = _add(self._svg, "path", f"line m-{line.mark}", d=f"M{path}")
        if dashed:
            element.set("stroke-dasharray", "5 4")
        SubElement(element, "title").text = one_line(line.text)

    def interval(self, point: PointPublic) -> None:
        if point.low is None or point.high is None:
            return
        x, mark = self.x(point.x), f"span m-{point.mark}"
        _add(self._svg, "line", mark, x1=x, x2=x, y1=self.y(point.low), y2=self.y(point.high))
        for end in (point.low, point.high):
            _add(self._svg, "line", mark, x1=x - 4, x2=x + 4, y1=self.y(end), y2=self.y(end))

    def dot(self, point: PointPublic) -> None:
        radius = 5 if point.mark == "best" else 3
        element = _add(self._svg, "circle", f"dot m-{point.mark}", cx=self.x(point.x), cy=self.y(point.y), r=radius)
        SubElement(element, "title").text = one_line(point.text)

    def name(self, point: PointPublic) -> None:
        """Write the name of a point beside it, above or below, where it covers no other name."""
        if point.label is None:
            return
        x, width = self.x(point.x), text_width(one_line(point.label), SMALL)
        anchor: Literal["start", "end"] = "start" if x + width + 8 < WIDTH else "end"
        at = x + 7 if anchor == "start" else x - 7
        left = at if anchor == "start" else at - width
        places = [self.y(point.y) + shift for shift in (-5, 15, -18, 28)]
        y = next((y for y in places if all(_apart(left, width, y, *other) for other in self._names)), places[0])
        self._names.append((left, width, y))
        _text(self._svg, at, y, point.label, anchor, "name")

    def markup(self) -> Markup:
        return _markup(self._svg)


def _apart(  # noqa: PLR0917  two texts: left end, width, baseline
    left: float, width: float, y: float, other: float, other_width: float, other_y: float
) -> bool:
    return abs(y - other_y) >= SMALL or left > other + other_width or other > left + width


def _stairs(points: Points) -> Iterator[tuple[float, float]]:
    before = points[0]
    for x, y in points:
        yield x, before[1]
        yield x, y
        before = x, y


def _with_room(axis: Axis) -> Iterator[tuple[float, str, float]]:
    """Yield ticks, their texts and the middle of each text; left out are those that would touch the one before.

    The drawing ends `RIGHT` behind the axis, and a text before that.
    """
    end = float("-inf")
    for tick in axis.ticks:
        written = f"{tick:,g}" if axis.log else tick_text(tick, axis.ticks)
        half = text_width(written, SMALL) / 2
        middle = min(axis(tick), axis.end + RIGHT - half)
        if middle - half > end + 6:
            end = middle + half
            yield tick, written, middle


def _svg(width: float, height: float, name: str) -> Element:
    box = f"0 0 {number(width)} {number(height)}"
    return Element("svg", {"class": "chart", "viewBox": box, "role": "img", "aria-label": one_line(name)})


def _add(parent: Element, tag: str, classes: str, **attributes: float | str) -> Element:
    written = {key: value if isinstance(value, str) else number(value) for key, value in attributes.items()}
    return SubElement(parent, tag, {"class": classes, **written})


def _text(  # noqa: PLR0917  a place and a text
    parent: Element, x: float, y: float, text: str, anchor: str, classes: str = ""
) -> Element:
    place = {"x": number(x), "y": number(y), "text-anchor": anchor}
    element = SubElement(parent, "text", place | ({"class": classes} if classes else {}))
    element.text = one_line(text)
    return element


def _markup(svg: Element) -> Markup:
    # ElementTree has escaped every text.
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704
