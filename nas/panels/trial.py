"""The panels of one trial: predictions, learning curve, losses, IoU of each class, its facts, how to take it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.formatting import counted, duration, latency_text, score
from nas.panels.predictions import predictions_panel
from nas.panels.relatives import Relative, relatives_panel
from nas.results.measurement import Measurement
from nas.schemas.panels import (
    BarPublic,
    BarsPanel,
    ColumnPublic,
    CommandPublic,
    CommandsPanel,
    LegendPublic,
    LinePublic,
    LinesPanel,
    Panel,
    RowPanel,
    TablePanel,
    TextPanel,
)
from nas.schemas.predictions import PredictionsPublic
from nas.specs import Fidelity
from nas.specs.channels import level_channels
from nas.store.records import TrialRecord
from search_spaces.auto_deeplab.architecture import AutoDeepLab


def trial_panels(
    search_id: str,
    trial: TrialRecord,
    fidelity: Fidelity,
    curve: Sequence[Measurement],
    classes: Sequence[str],
    *,
    objective: str = "mIoU",
    predictions: PredictionsPublic | None = None,
    relatives: Sequence[Relative] = (),
) -> tuple[Panel, ...]:
    """Make the panels of a trial.

    Args:
        search_id: Of its search.
        trial: The trial.
        fidelity: At which it is measured.
        curve: Its measurements, ascending in iterations.
        classes: Names of the classes; empty where they are not known, and the classes are numbered instead.
        objective: The first objective of its search, in words.
        predictions: What it predicts on a few images, where that is kept.
        relatives: What it came from, and other trials of its architecture.
    """
    facts = TablePanel(
        title="What the score rests on", columns=_FACTS, rows=tuple(_facts(trial, objective, fidelity, curve))
    )
    nothing = "no rung was measured" if trial.status.terminal else "no rung is measured yet"
    results: tuple[Panel, ...] = (TextPanel(lines=(nothing,), style="muted"), facts)
    if curve:
        results = (
            RowPanel(panels=(_scores(curve), _losses(curve))),
            RowPanel(panels=(_classes(curve, classes, predictions), facts)),
        )
    return (
        *(() if predictions is None else (predictions_panel(predictions),)),
        *results,
        *((relatives_panel(relatives),) if relatives else ()),
        CommandsPanel(title="Take it away", commands=tuple(_commands(search_id, trial, fidelity, curve))),
    )


_FACTS = (ColumnPublic(text=""), ColumnPublic(text=""))


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


def _classes(curve: Sequence[Measurement], names: Sequence[str], predictions: PredictionsPublic | None) -> BarsPanel:
    ious = curve[-1].class_iou
    # The names of the data set as it is registered now; those of the pictures are of the time of the measurement.
    known = predictions is not None and len(predictions.class_names) == len(ious)
    colours = predictions.colours if predictions is not None and known else ()
    if predictions is not None and known and not names:
        names = predictions.class_names
    return BarsPanel(
        title=f"IoU of each class at iteration {curve[-1].iteration}",
        bars=tuple(
            BarPublic(
                text=names[index] if index < len(names) else f"class {index}",
                value=iou,
                value_text="absent" if iou is None else score(iou),
                colour=colours[index] if colours else None,
            )
            for index, iou in enumerate(ious)
        ),
    )


def _facts(
    trial: TrialRecord, objective: str, fidelity: Fidelity, curve: Sequence[Measurement]
) -> Iterator[tuple[str, str]]:
    yield "data set", fidelity.dataset
    yield "iteration", f"{trial.iteration or 0:,} of {fidelity.rungs[-1]:,}"
    if trial.value is not None and objective != "mIoU":
        yield objective, score(trial.value)
    yield "seed", str(trial.seed)
    if trial.parameters is not None:
        yield "trained parameters", f"{trial.parameters:,}"
    if trial.multiply_adds is not None:
        yield "multiply-adds of a crop", f"{trial.multiply_adds / 1e6:,.1f} M"
    if curve and curve[-1].latency is not None:
        yield "latency", latency_text(curve[-1].latency)
    if trial.seconds is not None:
        yield "training and validation", duration(trial.seconds)
    if trial.device_seconds is not None:
        yield "device time", duration(trial.device_seconds)
    yield "attempt", str(trial.attempt)
    environment = curve[-1].environment if curve else None
    if environment is not None:
        threads = "" if environment.threads is None else f", {counted(environment.threads, 'thread')}"
        yield "measured on", f"{environment.model}{threads}"
        yield "software", ", ".join(f"{name} {version}" for name, version in environment.software.items())
    yield "architecture", trial.architecture_key[:12]
    yield "fidelity", trial.fidelity_key[:12]


def _channels(fidelity: Fidelity) -> str:
    """Channels of what the head reads here, as an argument; dots where only the backbone itself knows them."""
    try:
        channels = list(level_channels(fidelity.backbone))[-len(fidelity.head_strides) :]
    except ValueError:
        return "..."
    return str(channels[0] if len(channels) == 1 else channels)


def _commands(
    search_id: str, trial: TrialRecord, fidelity: Fidelity, curve: Sequence[Measurement]
) -> Iterator[CommandPublic]:
    name = f"trial{trial.number}"
    export = f"segnas export {search_id} --trial {trial.number}"
    classes = len(curve[-1].class_iou) if curve else "..."
    build = f'build_head("{name}.json", in_channels={_channels(fidelity)})'
    if isinstance(trial.architecture, AutoDeepLab):
        build = f'build_network("{name}.json", num_classes={classes})'
    for text, command in (
        ("Save its document, from which it is built and measured again", f"{export} -o {name}.json"),
        (
            "Train it as it was measured, and keep the network; a fidelity of your own (YAML) trains it longer",
            f"segnas retrain {name}.json --dataset {fidelity.dataset} --fidelity {name}.json --output retrained",
        ),
        ("Use the trained network in Python", 'network = nas.load_network("retrained")'),
        ("Build it untrained in a network of your own", f"nas.{build}"),
        ("Time it on a device, as ONNX", f"{export} --onnx {name}.onnx"),
    ):
        yield CommandPublic(text=text, command=command)
