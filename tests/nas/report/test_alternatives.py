"""What is said of a chart to those who do not see it."""

from __future__ import annotations

from nas.report.alternatives import bars_text, intervals_text, lines_text, scatter_text, spans_text
from nas.schemas.panels import (
    BarPublic,
    BarsPanel,
    IntervalPublic,
    IntervalsPanel,
    LegendPublic,
    LinePublic,
    LinesPanel,
    Mark,
    PointPublic,
    ScatterPanel,
    SpanPublic,
    SpansPanel,
)


def lines(count: int) -> LinesPanel:
    made = (LinePublic(text=f"run {n}", mark="completed", points=((1, 0.2), (2, 0.5 + n / 8))) for n in range(count))
    return LinesPanel(title="Supernet", x_text="epoch", lines=tuple(made))


def test_few_lines_say_where_they_end():
    said = "Supernet, by epoch: 4 points from 0.2 to 0.625"
    assert lines_text(lines(2)) == f"{said}; run 0 ends at 0.5, run 1 ends at 0.625"
    assert lines_text(lines(5)) == "Supernet, by epoch: 10 points from 0.2 to 1"
    assert lines_text(lines(0)) == "Supernet, by epoch: 0 points"


def point(y: float, mark: Mark, text: str) -> PointPublic:
    return PointPublic(x=1, y=y, text=text, mark=mark)


def test_points_say_which_are_the_best_in_the_words_of_the_legend():
    points = (point(0.3, "best", "trial 0"), point(0.7, "completed", "trial 1"), point(0.5, "best", "trial 2"))
    chart = ScatterPanel(title="Front", x_text="parameters", y_text="mIoU", points=points)
    assert scatter_text(chart) == "Front, by parameters: 3 points from 0.3 to 0.7; best: trial 0, trial 2"
    named = chart.model_copy(update={"legend": (LegendPublic(mark="best", text="on the front"),)})
    assert scatter_text(named).endswith("; on the front: trial 0, trial 2")
    many = chart.model_copy(update={"points": tuple(point(0.5, "best", f"trial {n}") for n in range(6))})
    assert scatter_text(many).endswith("; best: trial 0, trial 1, trial 2, trial 3 and 2 more")
    assert scatter_text(chart.model_copy(update={"points": points[1:2]})).endswith("1 point from 0.7 to 0.7")


def test_bars_rows_and_spans():
    bars = (BarPublic(text="road", value=0.5, value_text="0.5000"), BarPublic(text="pole", value=None, value_text=""))
    assert bars_text(BarsPanel(title="IoU", bars=bars)) == "IoU: road 0.5000, pole"
    rows = (IntervalPublic(text="ASPP", value=0.1, value_text="+0.1 (0.0 to 0.2)"),)
    said = intervals_text(IntervalsPanel(title="Differences", x_text="mIoU", rows=rows))
    assert said == "Differences, by mIoU: ASPP +0.1 (0.0 to 0.2)"
    spans = tuple(SpanPublic(start=n, end=n + 2.5, row=0, text="", mark="completed") for n in range(2))
    chart = SpansPanel(title="Timeline", x_text="minutes", y_text="at once", spans=spans)
    assert spans_text(chart) == "Timeline, by minutes: 2 spans from 0 to 3.5"
