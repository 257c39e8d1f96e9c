"""The commands `data add`, `data list`, `data remove`, and the same of weights: registrations in the home folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json, complete_dataset
from nas.escaping import one_line

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset
    from nas.data.folder.description import Label
    from nas.data.registrations import Registered
    from nas.weights.entry import WeightsEntry

weights = typer.Typer(help="Register pretrained weights.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="By which specs name it: small letters, digits, . _ -")]
Replace = Annotated[bool, typer.Option("--replace", help="Put it in the place of what NAME is now.")]


def add(
    *,
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the data set.")],
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Names of the classes, and their colours or values.")
    ] = None,
    layout: Annotated[
        Literal["cityscapes", "voc2012", "ade20k", "folder"] | None, typer.Option(help="Instead of the one seen.")
    ] = None,
    image_folder: Annotated[str | None, typer.Option(metavar="DIR", help="Of the images, below DIR.")] = None,
    mask_folder: Annotated[str | None, typer.Option(metavar="DIR", help="Of the masks, below DIR.")] = None,
    image_suffix: Annotated[str | None, typer.Option(metavar="TEXT", help="Of images' names, such as _sat.")] = None,
    mask_suffix: Annotated[str | None, typer.Option(metavar="TEXT", help="Of masks' names, such as _mask.")] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Below DIR: `name,train` or `name,val` on each line, JSON or YAML."),
    ] = None,
    val: Annotated[float | None, typer.Option(help="Share of the images for validation.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of these.")] = 0,
    read: Annotated[Literal["values", "colours"] | None, typer.Option(help="How masks say the class.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="VALUE", help="Leave this value or #rrggbb out; repeatable.")
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="VALUE=VALUE", help="Read the first as the second; repeatable.")
    ] = None,
    reduce_zero_label: Annotated[
        bool, typer.Option("--reduce-zero-label", help="Leave value 0 out and read value v as class v - 1.")
    ] = False,
    images: Annotated[int | None, typer.Option(min=1, help="Images of each split to report on; default: all.")] = None,
    mosaic: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Picture of samples; default: beside the registration.")
    ] = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Look at a folder of images and masks, report what is seen, and register it under a name."""
    from nas.cli.dataset_report import report
    from nas.cli.output import print_result
    from nas.cli.progress import stages
    from nas.data.folder.meaning import Wishes
    from nas.data.folder.recognise import Hints
    from nas.data.recognise import FolderOptions, recognise
    from nas.data.registrations import DATASETS, write_registration
    from nas.data.registry import open_dataset
    from nas.settings import read_settings

    settings = read_settings()
    path = _free(settings.folder, DATASETS, name, settings.registered_datasets, replace=replace)
    options = FolderOptions(
        layout=layout,
        hints=Hints(image_folder, mask_folder, image_suffix, mask_suffix, split, _share(val), seed),
        classes=classes,
        wishes=Wishes(
            ignore=tuple(_label(text, "--ignore") for text in ignore or ()),
            mapped=_mapping(map_ or []),
            reduce_zero_label=reduce_zero_label,
        ),
        read=read,
    )
    with stages() as shown:
        found = recognise(folder, options, lambda done, total: shown("masks", done, total))
    opened = open_dataset(found.registration, settings.cache)
    examined = report(opened, found.notes, images)
    if not examined.broken:
        write_registration(path, found.registration)  # before printing: a reader such as `head` may leave early
    if not as_json:
        print("\n".join(map(one_line, examined.lines)))
    if mosaic is not None or not examined.broken:
        _draw_samples(opened, mosaic or path.with_suffix(".png"), as_json)
    if examined.broken:
        errors = f": {'; '.join(examined.errors)}" if as_json else ": see the errors above"
        raise ValueError(f"{folder} is not registered, since no network can be trained on it{errors}")
    print_result(f"registered as `{name}` in {path}", {**examined.facts, "name": name, "file": str(path)}, as_json)


def _draw_samples(opened: SegmentationDataset, picture: Path, as_json: bool) -> None:
    from nas.aids import aid
    from nas.cli.dataset_report import draw

    with aid("picture of samples", picture, "the data set does without it"):
        draw(opened, picture)
        if not as_json:
            print(f"samples in {picture}")


def list_datasets(as_json: Json = False) -> None:
    """List the registered data sets."""
    from nas.settings import read_settings

    settings = read_settings()
    empty = "no data set is registered: `segnas data add NAME DIR` registers one"
    _print_all(settings.registered_datasets, lambda entry: f"{entry.layout:<12} {entry.root}", empty, as_json)


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="By which specs name it.", autocompletion=complete_dataset)
    ],
    as_json: Json = False,
) -> None:
    """Take a registration away; the data stay as they are."""
    from nas.data.registrations import DATASETS
    from nas.settings import read_settings

    settings = read_settings()
    _remove(settings.folder, DATASETS, name, settings.datasets, as_json)


@weights.command("add")
def add_weights(
    *,
    name: Name,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A checkpoint, or a folder with config.json of transformers or timm."),
    ],
    mean: Annotated[str | None, typer.Option(metavar="A,B,C", help="Of each channel, in units of the range.")] = None,
    std: Annotated[str | None, typer.Option(metavar="A,B,C", help="Deviation of each channel.")] = None,
    input_range: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="What pixels 0 and 255 become before the mean is taken off.")
    ] = None,
    input_space: Annotated[Literal["RGB", "BGR"] | None, typer.Option(help="Order of the channels.")] = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Register pretrained weights under a name; what is not given of their preprocessing is read or ImageNet's."""
    from nas.cli.output import print_result
    from nas.data.registrations import WEIGHTS, write_registration
    from nas.settings import read_settings
    from nas.user_paths import absolute
    from nas.weights.entry import WeightsEntry
    from search_spaces.validation import validate

    settings = read_settings()
    path = _free(settings.folder, WEIGHTS, name, settings.registered_weights, replace=replace)
    target = absolute(file, "the file of the weights")
    if not target.exists():
        raise ValueError(f"there is no file {file}")
    stated: dict[str, Any] = {"mean": _numbers(mean, "--mean"), "std": _numbers(std, "--std")}
    stated |= {"input_range": _numbers(input_range, "--input-range"), "input_space": input_space}
    entry = validate(WeightsEntry, {"path": target, **{name: value for name, value in stated.items() if value}})
    write_registration(path, entry)
    facts = {"name": name, "file": str(path), **entry.model_dump(mode="json")}
    print_result(f"registered as `{name}` in {path}", facts, as_json)


@weights.command("list")
def list_weights(as_json: Json = False) -> None:
    """List the registered weights."""
    from nas.settings import read_settings

    registered = read_settings().registered_weights
    empty = "no weights are registered: `segnas weights add NAME FILE` registers some"
    _print_all(registered, lambda entry: "  ".join(map(str, [entry.path, *_described(entry)])), empty, as_json)


@weights.command("remove")
def remove_weights(name: Name, as_json: Json = False) -> None:
    """Take a registration away; the file stays."""
    from nas.data.registrations import WEIGHTS
    from nas.settings import read_settings

    settings = read_settings()
    _remove(settings.folder, WEIGHTS, name, settings.weights, as_json)


def _free(home: Path, what: str, name: str, registered: Mapping[str, object], *, replace: bool) -> Path:
    """The file in which a name can be registered."""
    from nas.data.registrations import registration_path

    path = registration_path(home, what, name)
    if name in registered and not replace:
        where = str(path) if path.exists() else "config.yaml or the environment"
        raise ValueError(f"{name!r} is registered already, in {where}; choose another name, or --replace it")
    return path


def _remove(home: Path, what: str, name: str, configured: Mapping[str, object], as_json: bool) -> None:
    from nas.aids import aid
    from nas.cli.output import print_result
    from nas.data.registrations import registration_path

    path = registration_path(home, what, name)
    try:
        path.unlink()
    except FileNotFoundError:
        where = "it stands in config.yaml or the environment" if name in configured else f"there is no file {path}"
        raise ValueError(f"{name!r} cannot be removed: {where}") from None
    picture = path.with_suffix(".png")
    with aid("picture of samples", picture, "it stays there"):
        picture.unlink(missing_ok=True)
    print_result(f"{name} removed", {"removed": name}, as_json)


def _print_all(registered: Registered[Any], describe: Callable[[Any], str], empty: str, as_json: bool) -> None:
    from nas.cli.output import print_json

    if not registered and registered.unread is None and not as_json:
        print(empty, file=sys.stderr)
    found, width = [], max(map(len, registered), default=0)
    for name in registered:
        try:
            entry = registered[name]
            text, facts = describe(entry), {"name": name, **entry.model_dump(mode="json")}
        except ValueError as error:
            text, facts = f"broken: {error}", {"name": name, "problem": str(error)}
        found.append(facts)
        if not as_json:
            print(f"{name:<{width}}  {one_line(text)}")
    if as_json:
        print_json(found)
    if registered.unread is not None:
        raise ValueError(f"there may be more: {registered.unread}")


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    try:
        return None if text is None else tuple(map(float, text.split(",")))
    except ValueError:
        raise CommandError(
            f"{option} takes numbers with commas between them, such as 0.5,0.5,0.5, not {text!r}"
        ) from None


def _described(entry: WeightsEntry) -> Iterator[str]:
    for name, value in entry.stated().items():
        yield f"{name} {value if isinstance(value, str) else ','.join(f'{number:g}' for number in value)}"


def _share(val: float | None) -> float | None:
    if val is not None and not 0 < val < 1:
        raise CommandError(f"--val is the share of the images for validation, between 0 and 1, not {val}")
    return val


def _mapping(texts: list[str]) -> dict[Label, Label]:
    mapping = {}
    for text in texts:
        source, equals, target = text.partition("=")
        if not equals:
            raise CommandError(f"--map is VALUE=VALUE, such as 255=1 or '#ffffff=#000000', not {text!r}")
        mapping[_label(source, "--map")] = _label(target, "--map")
    return mapping


def _label(text: str, option: str) -> Label:
    from nas.data.folder.class_files import parse_label

    try:
        return parse_label(text)
    except ValueError:
        raise CommandError(f"{option} takes values from 0 to 255 or colours such as #ff0000, not {text!r}") from None
