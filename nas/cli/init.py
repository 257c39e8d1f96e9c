"""The command `segnas init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.service import Json, complete_dataset

if TYPE_CHECKING:
    from nas.first_search import Fitting
    from nas.settings import Settings


def init(
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATASET]", help="The registered data set of the search.", autocompletion=complete_dataset
        ),
    ] = None,
    spec: Annotated[Path, typer.Option(metavar="FILE.yaml", help="Where the first spec is written.")] = Path(
        "search.yaml"
    ),
    as_json: Json = False,
) -> None:
    """Write a first spec that fits a data set, and once a commented config.yaml; no file is ever replaced."""
    from nas.cli.first_files import first_spec
    from nas.cli.output import print_json
    from nas.first_search import SCENES, backbones, data_set, first_request, usable
    from nas.settings import read_settings

    settings = read_settings()
    registered = settings.registered_datasets
    if spec.exists() or spec.is_symlink():
        raise ValueError(f"{spec} is there already, and is left as it is: nothing was written")
    name = data_set(registered, dataset) if registered or dataset is not None else "scenes"
    fits, unread = _look(settings, name) if registered else (SCENES, None)
    backbone = usable(list(backbones(settings.registered_weights)))
    wrote = _write(settings, spec, first_spec(first_request(name, backbone.backbone, **fits), str(spec)))
    if as_json:
        print_json({"wrote": list(map(str, wrote)), "dataset": name})
        return
    print("\n".join(f"wrote {file}" for file in wrote))
    print(f"backbone: {backbone.text}")
    if unread is not None:
        print(f"{name} cannot be looked at, so that crop and batch are the usual ones: {unread}")
    print("\nnext:")
    if not registered:
        folder = settings.folder / "scenes"
        print(f"  segnas data generate {folder} --images 1024 --val-images 192 --size 128x256")
        print(f"  segnas data add {name} {folder}")
    print(f"  segnas serve                 # and in another terminal:\n  segnas submit {spec} --watch")


def _look(settings: Settings, name: str) -> tuple[Fitting, str | None]:
    """Choose what a data set's images decide; and why they decide nothing, where they cannot be read."""
    from nas.data.errors import DatasetError
    from nas.data.survey import survey
    from nas.first_search import fitting

    try:
        return fitting(survey(settings.registered_datasets[name])), None
    except (DatasetError, OSError) as error:
        return {}, str(error)


def _write(settings: Settings, spec: Path, text: str) -> list[Path]:
    """Write the spec, and the configuration unless there is one; return what was written."""
    from nas.cli.first_files import config_text
    from nas.setting_sources import CONFIG_FILE

    config = settings.folder / CONFIG_FILE
    _write_new(spec, text)
    if config.exists() or config.is_symlink():
        return [spec]
    try:
        config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(config, config_text(), mode=0o600)  # a token may come to stand in it
    except OSError:
        spec.unlink()
        raise
    return [config, spec]


def _write_new(file: Path, text: str, mode: int = 0o666) -> None:
    def new(path: str, flags: int) -> int:
        return os.open(path, flags, mode)

    with open(file, "x", encoding="utf-8", opener=new) as opened:  # another program may have made it meanwhile
        opened.write(text)
