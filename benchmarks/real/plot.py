"""The plot of the benchmark on real data: held-out mIoU of each head against its multiply-adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.real import protocol
from benchmarks.real.measure import Row
from search_spaces.document import architecture_from_dict
from search_spaces.text import architecture_text


def plot(path: Path, found: Mapping[str, Any]) -> None:
    """Draw a panel for each number of levels; bars are the standard deviation over the seeds.

    Args:
        path: The picture; its suffix says of which format.
        found: As `benchmarks.real.measure.everything` returns it.
    """
    mpl.use("Agg")
    colors: dict[str, str] = {}  # a family has one colour in all panels
    figure, panels = plt.subplots(1, len(found), figsize=(6.5 * len(found), 5), squeeze=False, sharey=True)
    for panel, (kind, part) in zip(panels[0], found.items(), strict=True):
        for family, rows in _families(part).items():
            style = {"found": "*-", "by hand": "D-"}.get(family, "o--")
            rows.sort(key=lambda row: float(row["multiply_adds"]))
            panel.errorbar(
                [row["multiply_adds"] / 1e6 for row in rows],
                [row["mean"] for row in rows],
                [row["spread"] for row in rows],
                fmt=style,
                markersize=14 if family == "found" else 7,
                capsize=3,
                label=family,
                color=colors.setdefault(family, f"C{len(colors)}"),
            )
        panel.legend(loc="lower right", fontsize="small")
        panel.set(title=kind, xlabel="multiply-adds of head and logits (M)")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("held-out mIoU")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _families(part: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Sort the held-out heads into the found one, the one made by hand, and the textbook heads by their names."""
    by_hand = protocol.BY_HAND.key
    families: dict[str, list[Row]] = defaultdict(list)
    for row in part["held_out"]:
        if row["key"] == part["winner"]:
            families["found"].append(row)
        elif row["key"] == by_hand:
            families["by hand"].append(row)
        else:
            unsized = architecture_from_dict(row["architecture"]).model_copy(update={"channels": None})
            families[architecture_text(unsized)].append(row)
    return families
