"""The command `segnas init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.service import Json


def init(
    spec: Annotated[Path, typer.Option(metavar="FILE.yaml", help="Where the first spec is written.")] = Path(
        "search.yaml"
    ),
    as_json: Json = False,
) -> None:
    """Write a commented config.yaml into the home folder, and a first spec; no file is ever replaced."""
    from nas.cli.first_files import config_text, first_spec
    from nas.cli.output import print_json
    from nas.first_search import backbones, first_request, usable
    from nas.setting_sources import CONFIG_FILE
    from nas.settings import read_settings

    settings = read_settings()
    config = settings.folder / CONFIG_FILE
    for file in (config, spec):
        if file.exists() or file.is_symlink():
            raise ValueError(f"{file} is there already, and is left as it is: nothing was written")
    registered = sorted(settings.registered_datasets)
    dataset = registered[0] if registered else "scenes"
    config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(config, config_text(), mode=0o600)  # a token may come to stand in it
    try:
        backbone = usable(list(backbones(settings.registered_weights))).backbone
        _write_new(spec, first_spec(first_request(dataset, backbone), str(spec)))
    except OSError:
        config.unlink()
        raise
    if as_json:
        print_json({"wrote": [str(config), str(spec)], "dataset": dataset})
        return
    print(f"wrote {config}\nwrote {spec}\n\nnext:")
    if not registered:
        folder = settings.folder / "scenes"
        print(f"  segnas data generate {folder} --images 256 --size 128x256\n  segnas data add {dataset} {folder}")
    print(f"  segnas serve                 # and in another terminal:\n  segnas submit {spec} --watch")


def _write_new(file: Path, text: str, mode: int = 0o666) -> None:
    def new(path: str, flags: int) -> int:
        return os.open(path, flags, mode)

    with open(file, "x", encoding="utf-8", opener=new) as opened:  # another program may have made it meanwhile
        opened.write(text)
