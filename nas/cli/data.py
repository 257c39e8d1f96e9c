"""Commands about data sets: generate scenes, inspect a data set; those that register one are in `registering`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli import registering
from nas.cli.service import Json
from nas.escaping import one_line

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset

app = typer.Typer(help="Register, inspect and generate data sets.", no_args_is_help=True)
app.command("add")(registering.add)
app.command("list")(registering.list_datasets)
app.command("remove")(registering.remove)


@app.command("generate")
def generate(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty.")],
    images: Annotated[int, typer.Option(min=1, help="Training images.")] = 1024,
    val_images: Annotated[
        int | None, typer.Option(min=1, help="Validation images; by default 3 for 16 training images.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    size: Annotated[str, typer.Option(metavar="HxW", help="Height and width in pixels.")] = "256x512",
    as_json: Json = False,
) -> None:
    """Write street scenes in the Cityscapes layout, on which context heads differ."""
    from nas.cli.output import print_result
    from nas.cli.progress import stages
    from nas.data.scenes import generate as draw

    height, width = _size(size)
    with stages() as report:
        draw(folder, images, seed, (height, width), val_images, lambda done, total: report("scenes", done, total))
    line = f"scenes in {folder}; to use them as data set `scenes`: segnas data add scenes {folder}"
    print_result(line, {"folder": str(folder)}, as_json)


@app.command("inspect")
def inspect(
    dataset: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A registered name, or a folder.")],
    images: Annotated[int, typer.Option(min=1, help="Images to read of each split, at most.")] = 200,
    mosaic: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw some images and their labels.")] = None,
    as_json: Json = False,
) -> None:
    """Open a data set, read some of its images, and report how often each class occurs and what is wrong with it."""
    from nas.cli.dataset_report import draw, report
    from nas.cli.output import print_result

    opened, notes = _open(dataset)
    found = report(opened, notes, images)
    lines = [one_line(line) for line in found.lines]
    if mosaic is not None:
        draw(opened, mosaic)
        lines.append(f"samples in {mosaic}")
    print_result("\n".join(lines), {**found.facts, "picture": None if mosaic is None else str(mosaic)}, as_json)
    if found.broken:
        raise typer.Exit(1)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not HEIGHTxWIDTH, such as 256x512", param_hint="--size")
    return int(match[1]), int(match[2])


def _open(dataset: str) -> tuple[SegmentationDataset, Sequence[str]]:
    from nas.cli.progress import stages
    from nas.data.recognise import recognise
    from nas.data.registry import open_dataset
    from nas.settings import read_settings

    settings = read_settings()
    registered = settings.registered_datasets
    if dataset in registered:
        return open_dataset(registered[dataset], settings.cache), ()
    if not Path(dataset).is_dir():
        known = ", ".join(sorted(registered)) or "none"
        known += "" if registered.unread is None else f"; {registered.unread}"
        raise ValueError(f"{dataset!r} is neither a folder nor a registered data set; registered: {known}")
    with stages() as shown:
        found = recognise(Path(dataset), progress=lambda done, total: shown("masks", done, total))
    return open_dataset(found.registration, settings.cache), found.notes
