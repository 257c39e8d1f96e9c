"""Panels of a calibration: what each proxy costs, how well it orders, and which is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas.formatting import cost, duration, interval
from nas.panels.associations import association_cells, association_columns
from nas.schemas.panels import LegendPublic, LinePublic, Mark, Panel, PointPublic, ScatterPanel, TablePanel, TextPanel

# Only the types: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.calibration import CalibratedProxy, Calibration


def calibration_panels(calibration: Calibration, least_rho: float) -> tuple[Panel, ...]:
    """Make the panels of a calibration: its verdict, rho against cost, the table of proxies.

    Args:
        calibration: The calibration's answer so far.
        least_rho: What the interval of rho must lie above for a proxy to be recommended.
    """
    sequential = any(proxy.judged is not None for proxy in calibration.proxies)
    last = ("Corrected", "Range", "Known") if sequential else ()
    columns = association_columns("Proxy", "Of full scale", "Pareto", *last)
    rows = tuple((*_row(proxy), *(_judged(proxy) if sequential else ())) for proxy in calibration.proxies)
    known = [proxy for proxy in calibration.proxies if proxy.ranking.spearman is not None and _seconds(proxy)]
    return (
        TextPanel(lines=(calibration.verdict,)),
        *((_chart(calibration, known, least_rho),) if known else ()),
        TablePanel(title="Proxies", columns=columns, rows=rows),
    )


def _seconds(proxy: CalibratedProxy) -> float:
    return proxy.ranking.device_seconds or 0.0


def _chart(calibration: Calibration, known: Sequence[CalibratedProxy], least_rho: float) -> ScatterPanel:
    times = [*map(_seconds, known), *filter(None, [calibration.device_seconds])]
    ends = (min(times), max(times))
    front = sorted((_seconds(proxy), proxy.ranking.spearman or 0.0) for proxy in known if proxy.pareto)
    full = calibration.device_seconds
    return ScatterPanel(
        title="How well each proxy orders, against its cost",
        x_text="device-seconds for one architecture" + ("" if full is None else f"; full scale: {duration(full)}"),
        x_log=True,
        y_text="rho with full scale",
        points=tuple(_point(proxy, calibration.recommended) for proxy in known),
        lines=(
            LinePublic(text="no order", mark="stopped", points=tuple((x, 0.0) for x in ends)),
            LinePublic(text=f"{least_rho:g} asked for", mark="running", points=tuple((x, least_rho) for x in ends)),
            LinePublic(text="Pareto front", mark="completed", points=tuple(front)),
        ),
        legend=(
            *((LegendPublic(mark="best", text="recommended"),) if calibration.recommended else ()),
            LegendPublic(mark="completed", text="trained proxy"),
            *((LegendPublic(mark="pruned", text="training-free"),) if any(p.training_free for p in known) else ()),
            LegendPublic(mark="running", text=f"rho {least_rho:g}, asked for"),
        ),
    )


def _point(proxy: CalibratedProxy, recommended: str | None) -> PointPublic:
    ranking = proxy.ranking
    assert ranking.spearman is not None, proxy.name
    mark: Mark = "best" if proxy.name == recommended else "pruned" if proxy.training_free else "completed"
    span = "" if ranking.interval is None else f", 95 % {interval(ranking.interval.low, ranking.interval.high)}"
    return PointPublic(
        x=_seconds(proxy),
        y=ranking.spearman,
        text=f"{proxy.name}: rho {ranking.spearman:.2f}{span}, {cost(ranking.device_seconds)}",
        mark=mark,
        label=proxy.name,
        low=None if ranking.interval is None else ranking.interval.low,
        high=None if ranking.interval is None else ranking.interval.high,
    )


def _row(proxy: CalibratedProxy) -> tuple[str, ...]:
    return (
        proxy.name,
        *association_cells(proxy.ranking),
        "" if proxy.share is None else f"{proxy.share:.1%}",
        "yes" if proxy.pareto else "",
    )


def _judged(proxy: CalibratedProxy) -> tuple[str, str, str]:
    """The rho that is corrected for the seeds of full scale, its interval, and whether it is known to be enough."""
    judged = proxy.judged
    if judged is None:
        return "", "", ""
    return f"{judged.corrected:.2f}", interval(judged.low, judged.high), judged.state
