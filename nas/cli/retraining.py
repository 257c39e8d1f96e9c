"""The command `segnas retrain`, which trains on this machine; heavy imports wait until the command runs."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.packages import require_torch
from nas.cli.service import Json, complete_dataset
from nas.training.options import (
    Augment,
    Device,
    EvaluateOn,
    Flip,
    Log,
    Processes,
    Scales,
    Seed,
    Threads,
    Weights,
)

if TYPE_CHECKING:
    from nas.results.measurement import Measurement


class OnnxInput(StrEnum):
    """What an exported network takes."""

    pixels = "pixels"
    normalised = "normalised"


def retrain(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An architecture: exported, or TensorFlow DeepLab's.")],
    dataset: Annotated[str, typer.Option(help="A registered data set.", autocompletion=complete_dataset)],
    fidelity: Annotated[
        Path, typer.Option(help="How to train, in YAML; of a search spec or an exported architecture, its fidelity.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the network, its metrics and pictures.")],
    seed: Seed = 0,
    device: Device = None,
    threads: Threads = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write the trained network to model.onnx.")] = False,
    onnx_input: Annotated[
        OnnxInput, typer.Option(help="What model.onnx takes: images as they are, or normalised ones.")
    ] = OnnxInput.pixels,
    weights: Weights = None,
    processes: Processes = 1,
    evaluate: EvaluateOn = "crop",
    scales: Scales = None,
    flip: Flip = False,
    augment: Augment = None,
    log: Log = None,
    as_json: Json = False,
) -> None:
    """Rebuild an architecture's network, train and save it. Run again after an interruption, training continues."""
    from nas.cli.progress import stages
    from nas.cli.specs import read_fidelity
    from nas.settings import read_settings
    from search_spaces import read_architecture

    document = read_architecture(file)
    requested = read_fidelity(fidelity, dataset)
    settings = read_settings()
    from nas.training.workspace import Workspace, named_weights

    workspace = Workspace.from_settings(settings)
    workspace = replace(workspace, weights={**workspace.weights, **named_weights(weights or (), requested)})
    workspace.dataset(requested.dataset)  # an unknown or broken data set should fail before anything else
    require_torch("retraining needs")
    from nas.models.export import require_onnx
    from nas.training.export import export_retrained
    from nas.training.launch import Retraining, launch
    from nas.training.options import read_extras
    from nas.training.progress import show_remarks

    show_remarks()
    if onnx:
        require_onnx()  # before hours of training, not after
    extras = read_extras(requested.crop, evaluate=evaluate, scales=scales, flip=flip, augment=augment, log=log)
    asked = Retraining(
        document, requested, workspace, output, seed=seed, device=device, threads=threads, **extras._asdict()
    )
    try:
        with stages() as report:
            measured = launch(asked, processes, report)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command again continues from here", file=sys.stderr)
        raise typer.Exit(130) from None
    _print_retrained(measured[-1], output, as_json)
    if onnx:  # at the end: what fails here leaves the network and its score
        export_retrained(output, input="pixels" if onnx_input is OnnxInput.pixels else "normalised")


def _print_retrained(last: Measurement, output: Path, as_json: bool) -> None:
    """Print the score of a retrained network, the one on entire images too where there is one, and its folder."""
    from nas.cli.output import print_result
    from nas.formatting import counted, duration, score

    metrics = json.loads((output / "metrics.json").read_text("utf-8"))
    lines = [
        f"{score(last.score)} mIoU after {counted(last.iteration, 'iteration')} in {duration(last.seconds)}; "
        f"results in {output}"
    ]
    if (entire := metrics.get("full_images")) is not None:
        lines.append(f"{score(entire['score'])} mIoU on {entire['measured_on']}")
    print_result("\n".join(lines), {"output": str(output), "metrics": metrics}, as_json)
