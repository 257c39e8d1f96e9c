"""The panels of one trial: learning curve, losses, IoU of each class, what the numbers rest on, how to take it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.formatting import duration, latency_text, score
from nas.results.measurement import Measurement
from nas.schemas.panels import (
    BarPublic,
    BarsPanel,
    ColumnPublic,
    LegendPublic,
    LinePublic,
    LinesPanel,
    Panel,
    RowPanel,
    TablePanel,
    TextPanel,
)
from nas.specs import Fidelity
from nas.store.records import TrialRecord


def trial_panels(
    search_id: str, trial: TrialRecord, fidelity: Fidelity, curve: Sequence[Measurement], classes: Sequence[str]
) -> tuple[Panel, ...]:
    """Make the panels of a trial.

    Args:
        search_id: Of its search.
        trial: The trial.
        fidelity: At which it is measured.
        curve: Its measurements, ascending in iterations.
        classes: Names of the classes; empty where they are not known, and the classes are numbered instead.
    """
    facts = TablePanel(title="What the score rests on", columns=_FACTS, rows=tuple(_facts(trial, fidelity, curve)))
    take_away = TextPanel(title="Take it away", lines=_commands(search_id, trial.number, fidelity), style="code")
    if not curve:
        return TextPanel(lines=("no rung is measured yet",), style="muted"), facts, take_away
    return (
        RowPanel(panels=(_scores(curve), _losses(curve))),
        RowPanel(panels=(_classes(curve, classes), facts)),
        take_away,
    )


_FACTS = (ColumnPublic(text=""), ColumnPublic(text="", numeric=True))


def _scores(curve: Sequence[Measurement]) -> LinesPanel:
    points = tuple((float(point.iteration), point.score) for point in curve)
    line = LinePublic(text="mIoU", mark="best", points=points)
    return LinesPanel(title="Validation mIoU", x_text="iterations", lines=(line,))


def _losses(curve: Sequence[Measurement]) -> LinesPanel:
    train = tuple((float(point.iteration), point.train_loss) for point in curve)
    validation = tuple((float(point.iteration), point.val_loss) for point in curve)
    return LinesPanel(
        title="Losses",
        x_text="iterations",
        lines=(
            LinePublic(text="training loss", mark="pruned", points=train),
            LinePublic(text="validation loss", mark="best", points=validation),
        ),
        legend=(LegendPublic(mark="best", text="validation"), LegendPublic(mark="pruned", text="training")),
    )


def _classes(curve: Sequence[Measurement], names: Sequence[str]) -> BarsPanel:
    ious = curve[-1].class_iou
    return BarsPanel(
        title=f"IoU of each class at iteration {curve[-1].iteration}",
        bars=tuple(
            BarPublic(
                text=names[index] if index < len(names) else f"class {index}",
                value=iou,
                value_text="absent" if iou is None else score(iou),
            )
            for index, iou in enumerate(ious)
        ),
    )


def _facts(trial: TrialRecord, fidelity: Fidelity, curve: Sequence[Measurement]) -> Iterator[tuple[str, str]]:
    yield "data set", fidelity.dataset
    yield "iteration", f"{trial.iteration or 0:,} of {fidelity.rungs[-1]:,}"
    yield "seed", str(trial.seed)
    if trial.parameters is not None:
        yield "trained parameters", f"{trial.parameters:,}"
    if trial.multiply_adds is not None:
        yield "multiply-adds of a crop", f"{trial.multiply_adds / 1e6:,.1f} M"
    if curve and curve[-1].latency is not None:
        yield "latency", latency_text(curve[-1].latency)
    if trial.device_seconds is not None:
        yield "device time", duration(trial.device_seconds)
    if trial.source is not None:
        yield "adopted from", trial.source
    yield "attempt", str(trial.attempt)
    environment = curve[-1].environment if curve else None
    if environment is not None:
        threads = "" if environment.threads is None else f", {environment.threads} threads"
        yield "measured on", f"{environment.model}{threads}"
        yield "software", ", ".join(f"{name} {version}" for name, version in environment.software.items())
    yield "architecture", trial.architecture_key[:12]
    yield "fidelity", trial.fidelity_key[:12]


def _commands(search_id: str, number: int, fidelity: Fidelity) -> tuple[str, ...]:
    file = f"trial{number}.json"
    return (
        f"segnas export {search_id} --trial {number} -o {file}",
        f"segnas retrain {file} --dataset {fidelity.dataset} --output retrained",
    )
