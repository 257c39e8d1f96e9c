"""The trainer alone: `python -m nas.training evaluate|replay|retrain|training-free`, without Ray, a database or HTTP.

Needs torch, numpy, Pillow, pydantic, safetensors and typer; PyYAML only for a fidelity in YAML.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.data.entry import DatasetEntry, Registration
from nas.models.export import require_onnx
from nas.results.measurement import Measurement, TrialError
from nas.specs import Fidelity
from nas.specs.training_free import TRAINING_FREE, TRAINING_FREE_SOURCES, TrainingFreeProxy
from nas.training.evaluate import evaluate
from nas.training.export import Input, export_retrained
from nas.training.launch import Retraining, launch
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
    read_extras,
)
from nas.training.progress import ProgressLines, show_remarks
from nas.training.replay import replay
from nas.training.training_free import score
from nas.training.workspace import Workspace, named_weights, split_pair
from search_spaces.document import read_architecture
from search_spaces.json_text import parse_json
from search_spaces.validation import validate

app = typer.Typer(help=(__doc__ or "").splitlines()[0], add_completion=False, pretty_exceptions_enable=False)

Document = Annotated[Path, typer.Argument(metavar="ARCHITECTURE", help="Architecture document or DeepLab's JSON.")]
FidelityFile = Annotated[Path, typer.Option(help="JSON or YAML of a fidelity, or of a search spec with one.")]
Datasets = Annotated[
    list[str],
    typer.Option(
        metavar="NAME=LAYOUT:ROOT|FILE.YAML",
        help="A data set, or the registration file of one; a single one replaces the data set of the fidelity.",
    ),
]
Cache = Annotated[Path, typer.Option(help="Folder for backbones and feature banks.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 for success, 1 where the architecture cannot be measured, 2 for wrong input.
    """
    show_remarks()
    try:
        app(arguments, prog_name="python -m nas.training")
    except SystemExit as ended:
        return int(ended.code or 0)
    except TrialError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    raise AssertionError("typer ends by SystemExit")


@app.command("evaluate")
def _evaluate(
    *,
    architecture: Document,
    fidelity: FidelityFile,
    dataset: Datasets,
    weights: Weights = None,
    cache: Cache,
    seed: Seed = 0,
    device: Device = None,
    threads: Threads = None,
    checkpoint: Annotated[Path | None, typer.Option(help="File to save the state in and to resume from.")] = None,
) -> None:
    """Train one architecture and print a measurement per rung, as JSON lines."""
    document = read_architecture(architecture)
    parsed, workspace = _inputs(fidelity, dataset, weights, cache)
    measurements = evaluate(
        document.architecture,
        parsed,
        seed,
        workspace=workspace,
        device=device,
        checkpoint=checkpoint,
        threads=threads,
        progress=ProgressLines(),
    )
    _print(measurements)


@app.command("replay")
def _replay(
    *,
    architecture: Document,
    dataset: Datasets,
    weights: Weights = None,
    cache: Cache,
) -> None:
    """Measure an exported architecture again as its document says, and compare; exit code 1 where a score differs."""
    document = read_architecture(architecture)
    fidelity = document.provenance.fidelity
    if fidelity is None:
        raise ValueError(f"{architecture}: provenance.fidelity is missing, so the measurement cannot be replayed")
    parsed, workspace = _workspace_for(validate(Fidelity, fidelity), dataset, weights, cache)
    equal = True
    for again in replay(document, parsed, workspace, progress=ProgressLines()):
        equal = equal and again.equal
        line = {
            "iteration": again.measurement.iteration,
            "recorded": again.recorded,
            "score": again.measurement.score,
            "equal": again.equal,
            "differences": again.differences,
        }
        print(json.dumps(line), flush=True)
    raise typer.Exit(0 if equal else 1)


@app.command("retrain")
def _retrain(
    *,
    architecture: Document,
    fidelity: FidelityFile,
    dataset: Datasets,
    weights: Weights = None,
    cache: Cache,
    seed: Seed = 0,
    device: Device = None,
    threads: Threads = None,
    output: Annotated[Path, typer.Option(help="Folder for the results.")],
    checkpoint_seconds: Annotated[float, typer.Option(help="Time between checkpoints.")] = 20.0,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write the trained network to model.onnx.")] = False,
    onnx_input: Annotated[str, typer.Option(metavar="pixels|normalised", help="What model.onnx takes.")] = "pixels",
    processes: Processes = 1,
    evaluate: EvaluateOn = "crop",
    scales: Scales = None,
    flip: Flip = False,
    augment: Augment = None,
    log: Log = None,
) -> None:
    """Train one architecture and save the network."""
    taken = validate(Input, onnx_input)
    if onnx:
        require_onnx()  # before hours of training, not after
    document = read_architecture(architecture)
    parsed, workspace = _inputs(fidelity, dataset, weights, cache)
    extras = read_extras(parsed.crop, evaluate=evaluate, scales=scales, flip=flip, augment=augment, log=log)
    asked = Retraining(
        document,
        parsed,
        workspace,
        output,
        seed=seed,
        device=device,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        **extras._asdict(),
    )
    _print(launch(asked, processes, ProgressLines()))
    if onnx:  # at the end: what fails here leaves the network and its scores
        export_retrained(output, input=taken)


@app.command("training-free")
def _training_free(
    *,
    architecture: Document,
    fidelity: FidelityFile,
    dataset: Datasets,
    weights: Weights = None,
    cache: Cache,
    seed: Seed = 0,
    device: Device = None,
    threads: Threads = None,
    proxy: Annotated[
        list[str] | None, typer.Option(metavar="|".join(TRAINING_FREE), help="Compute only this proxy; repeatable.")
    ] = None,
    batches: Annotated[int, typer.Option(help="Batches that ZiCo reads.")] = 2,
) -> None:
    """Score one architecture without training it and print a table."""
    document = read_architecture(architecture)
    parsed, workspace = _inputs(fidelity, dataset, weights, cache)
    names = [_proxy(name) for name in proxy] if proxy else TRAINING_FREE
    scored = score(
        document.architecture,
        parsed,
        seed,
        workspace=workspace,
        device=device,
        names=names,
        batches=batches,
        threads=threads,
        progress=ProgressLines(),
    )
    print(f"{'proxy':<14} {'better':<7} {'value':>14} {'seconds':>8}")
    for name, (value, seconds) in scored.items():
        better = "higher" if TRAINING_FREE_SOURCES[name].sign > 0 else "lower"
        text = f"{value:,.0f}" if name in ("parameters", "multiply_adds") else f"{value:.6g}"
        print(f"{name:<14} {better:<7} {text:>14} {seconds:>8.3f}")


def _inputs(
    fidelity: Path, datasets: Iterable[str], weights: Iterable[str] | None, cache: Path
) -> tuple[Fidelity, Workspace]:
    return _workspace_for(read_fidelity(fidelity), datasets, weights, cache)


def _workspace_for(
    parsed: Fidelity, datasets: Iterable[str], weights: Iterable[str] | None, cache: Path
) -> tuple[Fidelity, Workspace]:
    """Make the workspace of the command line, and the fidelity with its data set: a single one replaces its own."""
    entries = dict(map(_dataset, datasets))
    if len(entries) == 1:
        parsed = parsed.model_copy(update={"dataset": next(iter(entries))})
    return parsed, Workspace(entries, named_weights(weights or (), parsed), cache, cache / "artifacts")


def _print(measurements: Iterable[Measurement]) -> None:
    for measurement in measurements:
        print(measurement.model_dump_json(), flush=True)


def read_fidelity(path: Path) -> Fidelity:
    """Read a fidelity, or that of a search spec, from JSON, or from YAML where PyYAML is installed.

    Raises:
        ValueError: The file is neither JSON nor YAML, or a field is wrong; the message names the field.
        OSError: The file cannot be read.
    """
    text = path.read_text("utf-8")
    data: Any
    try:
        data = parse_json(text)
    except json.JSONDecodeError as wrong_json:
        try:
            from nas.yaml_text import parse_yaml
        except ImportError:
            raise ValueError(f"{path} is not JSON ({wrong_json}); YAML needs PyYAML: pip install pyyaml") from None
        try:
            data = parse_yaml(text)
        except ValueError as error:
            raise ValueError(f"{path} is neither JSON nor YAML: {error}") from None
    if isinstance(data, dict) and isinstance(data.get("fidelity"), dict):
        data = data["fidelity"]
    return validate(Fidelity, data)


def _dataset(text: str) -> tuple[str, Registration]:
    name, place = split_pair(text, "NAME=LAYOUT:ROOT or NAME=FILE.YAML")
    if place.endswith((".yaml", ".yml", ".json")):
        return name, _registration(Path(place))
    layout, colon, root = place.partition(":")
    if not colon or not root:
        raise ValueError(
            f"a data set is NAME=LAYOUT:ROOT, such as scenes=cityscapes:data/scenes, or NAME=FILE.YAML of "
            f"`segnas data add`, not {text!r}"
        )
    if layout == "folder":
        raise ValueError(f"the layout folder needs more than a root: give {name}=FILE.YAML of `segnas data add`")
    return name, validate(DatasetEntry, {"layout": layout, "root": root})


def _registration(path: Path) -> Registration:
    try:
        from nas.data.registrations import read_registration
    except ImportError:
        raise ValueError(f"reading {path} needs PyYAML: pip install pyyaml") from None
    return read_registration(path)


def _proxy(text: str) -> TrainingFreeProxy:
    for name in TRAINING_FREE:
        if name == text:
            return name
    raise ValueError(f"a proxy is one of {', '.join(TRAINING_FREE)}, not {text!r}")


if __name__ == "__main__":
    sys.exit(main())
