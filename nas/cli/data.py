"""Commands about data sets: generate scenes, inspect a data set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset
    from nas.data.inspect import SplitReport

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
    images: Annotated[int, typer.Option(min=1, help="Images to read of each split, at most.")] = 200,
    mosaic: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw some images and their labels.")] = None,
) -> None:
    """Open a data set, read some of its images, and report how often each class occurs and what is wrong with it."""
    from nas.cli.progress import stages
    from nas.data.inspect import check, write_mosaic
    from nas.data.inspect import inspect as look

    opened = _open(dataset)
    print(f"{opened.name_of_layout}, {opened.num_classes} classes, key {opened.key[:12]}")
    with stages() as report:
        splits = look(opened, images, lambda done, total: report("images", done, total))
    for split in splits:
        sizes = ", ".join(f"{height}x{width}" for height, width in split.sizes[:4])
        more = ", ..." if len(split.sizes) > 4 else ""
        print(
            f"  {split.name}: {split.items} images ({split.read} read: {sizes}{more}), {split.ignored:.1%} unlabelled"
        )
    if opened.appearance is not None:
        print(f"  warm-up: {len(opened.appearance)} images with {opened.appearance_classes} appearance classes")
    _print_shares(opened.class_names, splits)
    if mosaic is not None:
        write_mosaic(opened, mosaic)
        print(f"samples in {mosaic}")
    findings = check(opened, splits)
    for severity, message in findings:
        print(f"{severity}: {message}")
    if any(severity == "error" for severity, _ in findings):
        raise typer.Exit(1)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not HEIGHTxWIDTH, such as 256x512", param_hint="--size")
    return int(match[1]), int(match[2])


def _open(dataset: str) -> SegmentationDataset:
    from nas.data.inspect import open_folder
    from nas.data.registry import open_dataset
    from nas.settings import read_settings

    registered = read_settings().datasets
    if dataset in registered:
        return open_dataset(registered[dataset])
    if not Path(dataset).is_dir():
        known = ", ".join(sorted(registered)) or "none"
        raise ValueError(f"{dataset!r} is neither a folder nor a registered data set; registered: {known}")
    return open_folder(Path(dataset))


def _print_shares(class_names: Sequence[str], splits: Sequence[SplitReport]) -> None:
    """Print each class's share of the labelled pixels, and how many of the images read show the class."""
    width = max(map(len, class_names))
    print(f"  {'pixels, images':<{width}}" + "".join(f"{split.name:>16}" for split in splits))
    for index, name in enumerate(class_names):
        cells = (f"{split.shares[index]:9.2%}{split.images[index]:7}" for split in splits)
        print(f"  {name:<{width}}" + "".join(cells))
