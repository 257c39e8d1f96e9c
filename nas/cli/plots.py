"""Pictures of rankings and calibrations, with matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.formatting import counted
from nas.ranking.outliers import outliers

if TYPE_CHECKING:
    from nas.results.association import Interval
    from nas.schemas.calibrations import CalibratedPublic, CalibrationPublic
    from nas.schemas.rankings import AssociationPublic, PairPublic, RankingPublic

INK, GREY, GRID = "#222222", "#8a8f98", "#e4e6ea"
RUNG_COLOURS = ("#1f6fb4", "#e08214", "#5aae61", "#9970ab")
ACCENT, FREE = "#c0392b", "#8a8f98"
STYLE = {
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def plot_ranking(found: RankingPublic, path: Path) -> None:
    """Plot full-scale score against proxy score, and beside that rho by rung; the largest outliers are named.

    Args:
        found: The ranking.
        path: Image file to write.

    Raises:
        ValueError: The ranking has no pairs.
    """
    if not found.pairs:
        raise ValueError(f"there is nothing to draw: {found.reason}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.8), layout="constrained")
        scatter, rungs = figure.subplots(1, 2, width_ratios=(2.4, 1))
        _draw_pairs(scatter, found.pairs, found.objective.text)
        _draw_rungs(rungs, found)
        figure.suptitle(_title(found), fontsize=11)
        figure.savefig(path, dpi=150)


def _title(found: RankingPublic) -> str:
    if found.spearman is None or found.interval is None:
        return f"no correlation: {found.reason}"
    return (
        f"Spearman's rho {found.spearman:.2f}, 95 % interval {_span(found.interval)} "
        f"(n = {found.n}, sample: {found.sampling})"
    )


def _draw_pairs(axes: Any, pairs: Sequence[PairPublic], objective: str) -> None:
    iterations = sorted({pair.proxy.iteration for pair in pairs}, reverse=True)
    for index, iteration in enumerate(iterations):
        group = [pair for pair in pairs if pair.proxy.iteration == iteration]
        axes.errorbar(
            [pair.proxy.score for pair in group],
            [pair.full_scale.score for pair in group],
            yerr=[pair.full_scale.spread or 0.0 for pair in group],
            fmt="o",
            markersize=6,
            markeredgecolor="white",
            elinewidth=0.8,
            color=RUNG_COLOURS[index % len(RUNG_COLOURS)],
            label=f"iteration {iteration}",
        )
    for pair in _outliers(pairs):
        axes.annotate(
            f"#{pair.trial}",
            (pair.proxy.score, pair.full_scale.score),
            xytext=(7, 6 if pair.full_scale.rank < pair.proxy.rank else -12),
            textcoords="offset points",
            color=ACCENT,
            fontsize=8.5,
        )
    axes.margins(0.08)
    axes.set_xlabel(f"proxy score ({objective})")
    axes.set_ylabel(f"full-scale score ({objective})")
    if len(iterations) > 1:
        axes.legend(title="proxy stopped at", loc="best", title_fontsize=8)


def _outliers(pairs: Sequence[PairPublic]) -> list[PairPublic]:
    return [pairs[place] for place in outliers([(pair.proxy.rank, pair.full_scale.rank) for pair in pairs])]


def _draw_rungs(axes: Any, found: RankingPublic) -> None:
    known = [rung for rung in found.rungs if rung.spearman is not None]
    for place, rung in enumerate(known):
        _draw_interval(axes, place, rung, RUNG_COLOURS[0])
    axes.set_xticks(range(len(known)), [f"{rung.iteration}\nn = {rung.n}" for rung in known])
    axes.set_xlim(-0.6, max(len(known), 1) - 0.4)
    axes.set_ylim(min([-0.05, *(rung.interval.low - 0.05 for rung in known if rung.interval)]), 1.05)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("rung (iterations)")
    axes.set_ylabel("rho")
    axes.set_title("at each rung" if known else "no rung has an answer", fontsize=9)


def _draw_interval(axes: Any, x: float, association: AssociationPublic, colour: str, marker: str = "o") -> None:
    if association.interval is not None:
        low, high = association.interval.low, association.interval.high
        axes.plot([x, x], [low, high], color=colour, linewidth=1.6, alpha=0.55, solid_capstyle="round")
    size = 12 if marker == "*" else 7
    axes.plot([x], [association.spearman], marker, color=colour, markersize=size, markeredgecolor="white")


def plot_calibration(found: CalibrationPublic, path: Path) -> None:
    """Plot rho with its interval against cost for each proxy; the Pareto front and the recommended proxy are marked.

    Args:
        found: The calibration.
        path: Image file to write.

    Raises:
        ValueError: No proxy has a correlation.
    """
    known = [proxy for proxy in found.proxies if proxy.spearman is not None and proxy.device_seconds]
    if not known:
        raise ValueError(f"there is nothing to draw: {found.verdict}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(9.0, 5.2), layout="constrained")
        axes = figure.subplots()
        _draw_pareto(axes, known)
        for proxy in known:
            recommended = found.recommended is not None and proxy.name == found.recommended.name
            colour = ACCENT if recommended else FREE if proxy.training_free else RUNG_COLOURS[0]
            marker = "*" if recommended else "s" if proxy.training_free else "o"
            _draw_interval(axes, proxy.device_seconds or 0.0, proxy, colour, marker)
        _write_names(axes, known)
        axes.axhline(found.spec.least_rho, color=ACCENT, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_xscale("log")
        if found.full_scale.device_seconds:
            axes.axvline(found.full_scale.device_seconds, color=GREY, linewidth=0.9, linestyle=":")
        axes.set_xlabel("device-seconds for one architecture (dotted: full scale)")
        axes.set_ylabel(f"rho with full scale (dashed: {found.spec.least_rho:g} asked for)")
        axes.margins(x=0.12)
        axes.set_ylim(top=1.6)  # room for the names
        axes.set_yticks([tick / 2 for tick in range(-2, 3)])
        verdict = "no proxy is recommended" if found.recommended is None else f"take {found.recommended.name}"
        unfinished = "" if found.final else ", not final"
        axes.set_title(f"{found.name}: {verdict} ({counted(found.measured, 'architecture')}{unfinished})", fontsize=11)
        axes.legend(handles=_legend(), loc="lower right")
        figure.savefig(path, dpi=150)


def _draw_pareto(axes: Any, known: Iterable[CalibratedPublic]) -> None:
    front = sorted((p.device_seconds or 0.0, p.spearman or 0.0) for p in known if p.pareto)
    axes.step(*zip(*front, strict=True), where="post", color=GREY, linewidth=1.2, zorder=0)


def _write_names(axes: Any, known: Sequence[CalibratedPublic]) -> None:
    """Write the proxies' names upright above the intervals: proxies differ in cost, so the names do not collide."""
    for proxy in known:
        top = proxy.spearman if proxy.interval is None else proxy.interval.high
        axes.annotate(
            proxy.name,
            (proxy.device_seconds, top),
            xytext=(0, 4),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=7,
            color=GREY if proxy.training_free else INK,
        )


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    looks = (("trained proxy", "o", RUNG_COLOURS[0]), ("training-free", "s", FREE), ("recommended", "*", ACCENT))
    marks = [Line2D([], [], marker=marker, color=colour, linestyle="", label=name) for name, marker, colour in looks]
    return [*marks, Line2D([], [], color=GREY, linewidth=1.2, label="Pareto front")]


def _span(interval: Interval) -> str:
    return f"{interval.low:.2f} to {interval.high:.2f}"
