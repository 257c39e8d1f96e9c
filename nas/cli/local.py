"""The command `segnas retrain`, which trains on this machine; heavy imports wait until the command runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.specs import Fidelity


def retrain(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An architecture: exported, or TensorFlow DeepLab's.")],
    dataset: Annotated[str, typer.Option(help="A registered data set.")],
    fidelity: Annotated[Path, typer.Option(help="How to train, in YAML; of a search spec, its fidelity is used.")],
    output: Annotated[Path, typer.Option(help="Folder for the network, its metrics and pictures.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N; by default a GPU if there is one.")] = None,
) -> None:
    """Rebuild an architecture's network, train and save it. Run again after an interruption, training continues."""
    from nas.cli.progress import stages
    from nas.formatting import duration, score
    from nas.settings import read_settings
    from search_spaces import read_architecture

    document = read_architecture(file)
    requested = _read_fidelity(fidelity, dataset)
    settings = read_settings()
    from nas.training.workspace import Workspace

    workspace = Workspace.from_settings(settings)
    workspace.dataset(requested.dataset)  # an unknown or broken data set should fail before anything else
    if importlib.util.find_spec("torch") is None:
        raise ValueError("retraining needs torch: pip install 'segnas[worker]'")
    from nas.training.progress import show_remarks
    from nas.training.retrain import retrain as train

    show_remarks()

    try:
        with stages() as report:
            measured = train(document, requested, workspace, output, seed=seed, device=device, progress=report)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command again continues from here", file=sys.stderr)
        raise typer.Exit(130) from None
    last = measured[-1]
    time = duration(last.seconds)
    print(f"{score(last.score)} mIoU after {last.iteration} iterations in {time}; results in {output}")


def _read_fidelity(path: Path, dataset: str) -> Fidelity:
    from nas.cli.specs import read_model, read_yaml
    from nas.specs import Fidelity

    data = read_yaml(path)
    if isinstance(data.get("fidelity"), dict):
        data = data["fidelity"]
    return read_model(Fidelity, path, {**data, "dataset": dataset})
