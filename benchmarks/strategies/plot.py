"""The plot of regrets: a row for each number of workers, a column for each axis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter

from benchmarks.strategies.regret import Axis, Band

AXES: Mapping[Axis, str] = {"trials": "trials ended", "device_seconds": "device-seconds", "seconds": "seconds"}


def plot(path: Path, title: str, bands: Mapping[tuple[str, int, Axis], Band]) -> None:
    """Draw median and quartiles.

    Args:
        path: The PNG file.
        title: Above all.
        bands: By the search's name, the number of workers and the axis.
    """
    mpl.use("Agg")
    names = list(dict.fromkeys(name for name, _, _ in bands))
    workers = sorted({count for _, count, _ in bands})
    figure, panels = plt.subplots(len(workers), len(AXES), figsize=(15, 4 * len(workers)), squeeze=False, sharey=True)
    for row, count in enumerate(workers):
        for panel, (axis, text) in zip(panels[row], AXES.items(), strict=True):
            for name in names:
                band = bands[name, count, axis]
                (line,) = panel.plot(band.at, band.median, label=name)
                panel.fill_between(band.at, band.low, band.high, color=line.get_color(), alpha=0.15, linewidth=0)
            if axis != "trials":
                panel.set_xscale("log")
                panel.xaxis.set_minor_formatter(NullFormatter())  # numbers between the powers of ten overlap
            panel.set(xlabel=text, ylabel="regret (mIoU)", title=f"{count} worker{'s' * (count > 1)}")
            panel.grid(alpha=0.3)
    panels[0][0].legend()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
