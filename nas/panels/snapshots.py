"""Panels of a differentiable search: supernet score and entropies by epoch, the decoded path and cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

from nas.formatting import duration, score
from nas.results.snapshot import Snapshot
from nas.schemas.panels import (
    SERIES,
    DrawingPanel,
    LegendPublic,
    LinePublic,
    LinesPanel,
    Mark,
    Panel,
    RowPanel,
    TextPanel,
)
from nas.specs import SupernetSpec
from nas.store.records import TrialRecord
from search_spaces.auto_deeplab.architecture import STRIDES
from search_spaces.auto_deeplab.trellis import Trellis, TrellisEdge
from search_spaces.text import cell_lines

Run: TypeAlias = Sequence[Snapshot]


def snapshot_panels(
    search_id: str, supernet: SupernetSpec, runs: Mapping[int, Run], trials: Mapping[str, TrialRecord]
) -> tuple[Panel, ...]:
    """Make the panels of a differentiable search.

    Args:
        search_id: Of the search.
        supernet: Description of the supernet that the runs optimise.
        runs: The snapshots of each run that has one, by the number of the run, ascending in epochs.
        trials: The trials that measured decoded networks, by architecture key.

    Returns:
        Charts of supernet scores and of entropies, then alpha, beta and the decoded network of the best run: the run
        whose decoded network scores highest or, where none is measured, whose supernet does.
    """
    if not runs:
        return (TextPanel(title="Runs", lines=("no epoch is over yet",), style="muted"),)
    last = {number: run[-1] for number, run in runs.items()}
    measured = {number: trials.get(snapshot.architecture.key) for number, snapshot in last.items()}
    best = max(last, key=lambda number: _rank(last[number], measured[number]))
    title = f"Decoded network, {_summary(best, last[best], measured[best])}"
    return (
        RowPanel(panels=(_supernets(runs, best), _entropies(runs, best))),
        RowPanel(panels=(_operators(best, runs[best], supernet), _strides(best, runs[best], supernet))),
        _drawing(title, search_id, best, last[best]),
        TextPanel(lines=cell_lines(last[best].architecture), style="code"),
    )


def _rank(snapshot: Snapshot, trial: TrialRecord | None) -> tuple[bool, float]:
    measured = None if trial is None else trial.score
    return (False, snapshot.supernet_miou) if measured is None else (True, measured)


def _supernets(runs: Mapping[int, Run], best: int) -> LinesPanel:
    lines = [
        _line(f"run {number}", _mark(number, best), run, lambda snapshot: snapshot.supernet_miou)
        for number, run in runs.items()
    ]
    return LinesPanel(title="Supernet (validation mIoU)", x_text="epochs", lines=tuple(lines))


def _entropies(runs: Mapping[int, Run], best: int) -> LinesPanel:
    lines: list[LinePublic] = []
    for number, run in runs.items():
        lines.append(_line(f"alpha, run {number}", _mark(number, best), run, lambda snapshot: snapshot.alpha_entropy))
        lines.append(_line(f"beta, run {number}", "running", run, lambda snapshot: snapshot.beta_entropy))
    legend = (LegendPublic(mark="best", text="alpha"), LegendPublic(mark="running", text="beta"))
    return LinesPanel(title="Entropy, 1 is undecided", x_text="epochs", lines=tuple(lines), legend=legend)


def _operators(number: int, run: Run, supernet: SupernetSpec) -> LinesPanel:
    """The probability of each operator, as the mean over all edges of the cell."""
    names = [name.replace("_", " ") for name in supernet.operators]
    shares = {snapshot.epoch: [fmean(column) for column in zip(*snapshot.alpha, strict=True)] for snapshot in run}
    return _shares(f"Alpha of run {number}: mean over the edges of the cell", names, shares)


def _strides(number: int, run: Run, supernet: SupernetSpec) -> LinesPanel:
    """The share of layers at each stride of a path that is drawn by beta."""
    names = [f"stride {stride}" for stride in STRIDES[: supernet.levels]]
    trellis = Trellis(len(run[-1].path), supernet.levels)
    shares = {snapshot.epoch: stride_shares(trellis, snapshot.beta) for snapshot in run}
    return _shares(f"Beta of run {number}: share of layers at each stride", names, shares)


def stride_shares(trellis: Trellis, beta: Sequence[Sequence[float]]) -> list[float]:
    """Compute the expected share of layers at each level of a path that leaves every node by its probabilities.

    Args:
        trellis: The trellis.
        beta: Probabilities of the edges that leave each node, as `Snapshot.beta` has them.

    Returns:
        A share for each level; they sum to 1.
    """
    probability = {
        edge: share
        for group, shares in zip(trellis.groups, beta, strict=True)
        for edge, share in zip(group, shares, strict=True)
    }
    at = {0: 1.0}
    total = [0.0] * trellis.levels
    for layer in range(trellis.layers):
        before, at = at, {}
        for source, arrived in before.items():
            for target in trellis.outgoing(source):
                edge = trellis.position[TrellisEdge(layer, source, target)]
                at[target] = at.get(target, 0.0) + arrived * probability[edge]
        for level, share in at.items():
            total[level] += share / trellis.layers
    return total


def _shares(title: str, names: Sequence[str], shares: Mapping[int, Sequence[float]]) -> LinesPanel:
    """One line for each name that has a share; with more of them than colours, the rest is drawn alike."""
    names = names[: min(map(len, shares.values()))]
    marks: list[Mark] = [SERIES[place] if place < len(SERIES) else "pruned" for place in range(len(names))]
    lines = tuple(
        LinePublic(text=name, mark=mark, points=tuple((epoch, values[place]) for epoch, values in shares.items()))
        for place, (name, mark) in enumerate(zip(names, marks, strict=True))
    )
    legend = tuple(LegendPublic(mark=mark, text=name) for name, mark in zip(names, marks, strict=True))
    return LinesPanel(title=title, x_text="epochs", lines=lines, legend=legend[: len(SERIES)])


def _mark(number: int, best: int) -> Mark:
    return "best" if number == best else "completed"


def _line(text: str, mark: Mark, run: Iterable[Snapshot], value: Callable[[Snapshot], float]) -> LinePublic:
    return LinePublic(text=text, mark=mark, points=tuple((snapshot.epoch, value(snapshot)) for snapshot in run))


def _summary(number: int, snapshot: Snapshot, trial: TrialRecord | None) -> str:
    parts = [f"run {number}", f"epoch {snapshot.epoch}: supernet {score(snapshot.supernet_miou)}"]
    if trial is not None and trial.score is not None:
        parts.append(f"decoded {score(trial.score)} (trial {trial.number})")
    parts.append(duration(snapshot.device_seconds))
    if snapshot.stopped_by:
        parts.append(f"stopped by {snapshot.stopped_by}")
    return ", ".join(parts)


def _drawing(title: str, search_id: str, run: int, snapshot: Snapshot) -> DrawingPanel:
    return DrawingPanel(
        title=title,
        path=f"/v1/searches/{search_id}/snapshots/{run}/{snapshot.epoch}/drawing",
        file=f"run{run}-epoch{snapshot.epoch}-{search_id}.svg",
    )
