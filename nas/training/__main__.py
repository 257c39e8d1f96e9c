"""The trainer alone: `python -m nas.training evaluate|retrain|training-free`, without Ray, a database or HTTP.

Needs torch, numpy, Pillow, pydantic and safetensors; PyYAML only for a fidelity in YAML.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nas.data.entry import DatasetEntry
from nas.results.measurement import Measurement, TrialError
from nas.specs import Fidelity
from nas.specs.training_free import TRAINING_FREE, TRAINING_FREE_SOURCES, TrainingFreeProxy
from nas.training.evaluate import evaluate
from nas.training.retrain import retrain
from nas.training.training_free import score
from nas.training.workspace import Workspace
from search_spaces.document import Architecture, read_architecture
from search_spaces.validation import validate


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 the architecture cannot be measured, 2 wrong input."""
    options = _parser().parse_args(arguments)
    try:
        for line in _run(options):
            print(line, flush=True)
    except TrialError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> Iterator[str]:
    document = read_architecture(options.architecture)
    fidelity = read_fidelity(options.fidelity)
    datasets = dict(map(_dataset, options.dataset))
    if len(datasets) == 1:
        fidelity = fidelity.model_copy(update={"dataset": next(iter(datasets))})
    weights = {name: Path(path) for name, path in (_pair(text, "NAME=PATH") for text in options.weights)}
    workspace = Workspace(datasets, weights, options.cache, options.cache / "artifacts")
    common = {"device": options.device, "threads": options.threads, "progress": Lines()}
    if options.command == "training-free":
        yield from _training_free_table(document.architecture, fidelity, options, workspace=workspace, **common)
        return
    measurements: Iterable[Measurement]
    if options.command == "evaluate":
        measurements = evaluate(
            document.architecture, fidelity, options.seed, workspace=workspace, checkpoint=options.checkpoint, **common
        )
    else:
        measurements = retrain(
            document,
            fidelity,
            workspace,
            options.output,
            seed=options.seed,
            checkpoint_seconds=options.checkpoint_seconds,
            **common,
        )
    for measurement in measurements:
        yield measurement.model_dump_json()


def _training_free_table(
    architecture: Architecture, fidelity: Fidelity, options: argparse.Namespace, **common: Any
) -> Iterator[str]:
    """A line a proxy: its name, the direction in which its authors call it better, its value, its cost."""
    names: Sequence[TrainingFreeProxy] = options.proxy or TRAINING_FREE
    scored = score(architecture, fidelity, options.seed, names=names, batches=options.batches, **common)
    yield f"{'proxy':<14} {'better':<7} {'value':>14} {'seconds':>8}"
    for name, (value, seconds) in scored.items():
        better = "higher" if TRAINING_FREE_SOURCES[name].sign > 0 else "lower"
        shown = f"{value:,.0f}" if name in ("parameters", "multiply_adds") else f"{value:.6g}"
        yield f"{name:<14} {better:<7} {shown:>14} {seconds:>8.3f}"


def read_fidelity(path: Path) -> Fidelity:
    """A fidelity in JSON, or YAML where PyYAML is there; of a search spec, its fidelity. ValueError naming fields."""
    text = path.read_text("utf-8")
    data: Any
    try:
        data = json.loads(text)
    except json.JSONDecodeError as wrong_json:
        try:
            import yaml
        except ImportError:
            raise ValueError(f"{path} is not JSON ({wrong_json}); YAML needs PyYAML: pip install pyyaml") from None
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is neither JSON nor YAML: {error}") from None
    if isinstance(data, dict) and isinstance(data.get("fidelity"), dict):
        data = data["fidelity"]
    return validate(Fidelity, data)


class Lines:
    """Progress on standard error, a line at most every two seconds and one at the end of a stage."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """See `Progress`."""
        now = time.monotonic()
        if done == total or now - self._shown > 2:
            self._shown = now
            print(f"{stage}: {done}/{total}", file=sys.stderr, flush=True)


def _dataset(text: str) -> tuple[str, DatasetEntry]:
    name, place = _pair(text, "NAME=LAYOUT:ROOT")
    layout, colon, root = place.partition(":")
    if not colon or not root:
        raise ValueError(f"a data set is NAME=LAYOUT:ROOT, such as scenes=cityscapes:data/scenes, not {text!r}")
    return name, validate(DatasetEntry, {"layout": layout, "root": root})


def _pair(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ValueError(f"{form} is needed, not {text!r}")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nas.training", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("evaluate", "train one architecture and print a measurement per rung, as JSON lines"),
        ("retrain", "train one architecture and keep the network"),
        ("training-free", "score one architecture without training it and print a table"),
    ):
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument("architecture", type=Path, help="architecture document or DeepLab's JSON")
        command.add_argument("--fidelity", type=Path, required=True, help="JSON or YAML; a search spec will do")
        command.add_argument(
            "--dataset", action="append", required=True, metavar="NAME=LAYOUT:ROOT",
            help="register a data set; a single one is the one used, whatever the fidelity says",
        )  # fmt: skip
        command.add_argument("--weights", action="append", default=[], metavar="NAME=PATH", help="register weights")
        command.add_argument("--cache", type=Path, required=True, help="folder for backbones and feature banks")
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--device", help="cpu, cuda, cuda:N; default: the first GPU, else the CPU")
        command.add_argument("--threads", type=int, help="CPU threads")
        if name == "evaluate":
            command.add_argument("--checkpoint", type=Path, help="file to save state in and to go on from")
        elif name == "training-free":
            command.add_argument("--proxy", action="append", choices=TRAINING_FREE, help="only this one; repeatable")
            command.add_argument("--batches", type=int, default=2, help="batches that ZiCo reads")
        else:
            command.add_argument("--output", type=Path, required=True, help="folder for the results")
            command.add_argument("--checkpoint-seconds", type=float, default=20.0, help="time between checkpoints")
    return parser


if __name__ == "__main__":
    sys.exit(main())
