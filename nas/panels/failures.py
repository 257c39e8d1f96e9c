"""Why trials failed, most frequent reasons first."""

from __future__ import annotations

from collections.abc import Sequence

from nas.schemas.panels import ColumnPublic, TablePanel
from nas.store.figures import Failure


def failures_panel(failures: Sequence[Failure], failed: int) -> TablePanel:
    """Make the table of the failed trials of a search, grouped by reason.

    Args:
        failures: The most frequent reasons.
        failed: Number of all failed trials.
    """
    rest = failed - sum(failure.trials for failure in failures)
    rows = [(one.reason or "no reason is known", f"{one.trials:,}", f"#{one.first}") for one in failures]
    if rest > 0:
        rows.append(("other reasons", f"{rest:,}", ""))
    columns = (
        ColumnPublic(text="Reason"),
        ColumnPublic(text="Trials", numeric=True),
        ColumnPublic(text="First", numeric=True),
    )
    return TablePanel(title=f"Failed trials: {failed:,}", columns=columns, rows=tuple(rows))
