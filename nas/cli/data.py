"""Commands about data sets: generate scenes, look at a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.cli.progress import Report
    from nas.data.dataset import SegmentationDataset, Split
    from nas.dataset_entry import DatasetEntry

MOSAIC_IMAGES = 8

app = typer.Typer(help="Generate and inspect data sets.", no_args_is_help=True)


@app.command("generate")
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty.")],
    images: Annotated[int, typer.Option(min=1, help="Training images.")] = 1024,
    val_images: Annotated[
        int | None, typer.Option(min=1, help="Validation images; by default 3 for 16 training images.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    size: Annotated[str, typer.Option(metavar="HxW", help="Height and width in pixels.")] = "256x512",
) -> None:
    """Write street scenes in the Cityscapes layout, on which context heads differ."""
    from nas.cli.progress import stages
    from nas.data.scenes import generate as draw

    height, width = _size(size)
    with stages() as report:
        draw(folder, images, seed, (height, width), val_images, lambda done, total: report("scenes", done, total))
    print(f"scenes in {folder}; to use them as data set `scenes`, put into config.yaml of the home folder:")
    print(f"  datasets:\n    scenes: {{layout: cityscapes, root: {folder.resolve()}}}")


@app.command("inspect")
def inspect(
    dataset: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A registered name, or a folder.")],
    layout: Annotated[str, typer.Option(help="Of a folder: cityscapes, voc2012 or ade20k.")] = "cityscapes",
    images: Annotated[int, typer.Option(min=1, help="Read so many images of each split, at most.")] = 200,
    mosaic: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw some validation images above their labels.")
    ] = None,
) -> None:
    """Open a data set, read some of its images, and say how often each class occurs."""
    from nas.cli.mosaic import write_mosaic
    from nas.cli.progress import stages
    from nas.data.registry import open_dataset

    found = open_dataset(_entry(dataset, layout))
    print(f"{found.name_of_layout}, {found.num_classes} classes, key {found.key[:12]}")
    with stages() as report:
        shares = {name: _shares(found, split, images, report) for name, split in found.splits.items()}
    for name, split in found.splits.items():
        image, _ = split.load(0)
        print(f"  {name}: {len(split)} images, the first {image.shape[0]}x{image.shape[1]}")
    if found.appearance is not None:
        print(f"  warm-up: {len(found.appearance)} images with {found.appearance_classes} appearance classes")
    _print_shares(found, shares)
    if mosaic is not None:
        drawn = write_mosaic(found, found.split("val"), MOSAIC_IMAGES, mosaic)
        print(f"{drawn} images of the validation split in {mosaic}")


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not HEIGHTxWIDTH, such as 256x512", param_hint="--size")
    return int(match[1]), int(match[2])


def _entry(dataset: str, layout: str) -> DatasetEntry:
    from nas.dataset_entry import DatasetEntry
    from nas.problems import validate
    from nas.settings import read_settings

    registered = read_settings().datasets
    if dataset in registered:
        return registered[dataset]
    if not Path(dataset).is_dir():
        known = ", ".join(sorted(registered)) or "none"
        raise ValueError(f"{dataset!r} is neither a folder nor a registered data set; registered: {known}")
    return validate(DatasetEntry, {"layout": layout, "root": dataset})


def _shares(found: SegmentationDataset, split: Split, images: int, report: Report) -> list[float]:
    """Share of each class among the labelled pixels of the first images."""
    import numpy as np

    counts = np.zeros(256, np.int64)
    chosen = min(images, len(split))
    for index in range(chosen):
        counts += np.bincount(split.load(index)[1].reshape(-1), minlength=256)
        report(split.name, index + 1, chosen)
    labelled = counts[: found.num_classes]
    return [float(share) for share in labelled / max(int(labelled.sum()), 1)]


def _print_shares(found: SegmentationDataset, shares: dict[str, list[float]]) -> None:
    width = max(map(len, found.class_names))
    print(f"  {'pixels':<{width}}" + "".join(f"{name:>9}" for name in shares))
    for index, name in enumerate(found.class_names):
        print(f"  {name:<{width}}" + "".join(f"{100 * of[index]:8.2f}%" for of in shares.values()))
