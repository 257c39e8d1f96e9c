"""Panels of a calibration: what each proxy costs, how well it orders, and which is recommended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas.panels.associations import association_cells, association_columns
from nas.schemas.panels import Panel, TablePanel, TextPanel

# Only the types: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.calibration import CalibratedProxy, Calibration


def calibration_panels(calibration: Calibration) -> tuple[Panel, ...]:
    """Make the table of proxies, and below it the verdict of the calibration."""
    columns = association_columns("Proxy", "Of full scale", "Pareto")
    rows = tuple(_row(proxy) for proxy in calibration.proxies)
    return (TablePanel(title="Proxies", columns=columns, rows=rows), TextPanel(lines=(calibration.verdict,)))


def _row(proxy: CalibratedProxy) -> tuple[str, ...]:
    return (
        proxy.name,
        *association_cells(proxy.ranking),
        "" if proxy.share is None else f"{proxy.share:.1%}",
        "yes" if proxy.pareto else "",
    )
