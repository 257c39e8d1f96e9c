"""The panels of a confirmation: its verdict, and a table of the confirmed architectures and the reference heads."""

from __future__ import annotations

from nas.formatting import compared_text, score
from nas.ranking.confirmation import Confirmation, Confirmed, Gain
from nas.schemas.panels import ColumnPublic, Panel, TablePanel, TextPanel

_SIZES = ("Parameters", "Multiply-adds", "In the search")
_OVER_SEEDS = ("Spread", "Seeds", "Best found minus it")


def confirmation_panels(found: Confirmation) -> tuple[Panel, ...]:
    """Make the verdict in words and the table behind it."""
    names = (*_SIZES, found.goals.text, *_OVER_SEEDS)
    columns = (ColumnPublic(text="Architecture"), *(ColumnPublic(text=name, numeric=True) for name in names))
    gains = {gain.architecture_key: gain for gain in found.gains}
    rows = tuple(_row(row, gains.get(row.architecture_key)) for row in found.rows)
    if any(len(row.rates) > 1 for row in found.rows):
        columns = (*columns, ColumnPublic(text="Learning rates"))
        rows = tuple((*cells, _rates(row)) for cells, row in zip(rows, found.rows, strict=True))
    return (
        TextPanel(title="Confirmation", lines=(found.sentence, compared_text(found.goals.text, found.goals.direction))),
        TablePanel(title=f"Architectures, with their trials of {found.of}", columns=columns, rows=rows),
    )


def _rates(row: Confirmed) -> str:
    """The mean at each learning rate, the best one first."""
    ordered = sorted(row.rates.items(), key=lambda at: -1.0 if at[1] is None else at[1], reverse=True)
    return ", ".join(f"{rate:g}: {score(mean)}" for rate, mean in ordered)


def _row(row: Confirmed, gain: Gain | None) -> tuple[str, ...]:
    name = row.text if row.trial is None else f"#{row.trial} {row.text}"
    return (
        name,
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.1f} M",
        score(row.found_score),
        score(row.mean),
        score(row.spread),
        str(len(row.scores)),
        "" if gain is None else f"{gain.mean:+.4f} ± {gain.error:.4f}",
    )
