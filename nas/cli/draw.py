"""The command `segnas draw`, which draws an architecture as SVG; it needs no service."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json


def draw(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An architecture, as `segnas export` writes it or in a published format; - reads standard input.",
        ),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: print it.")] = None,
    fidelity: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw it on this fidelity's crop and levels, in YAML (of a search spec, its fidelity); default: those "
            "that it was searched at, else crops of 513 pixels at stride 16.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw an architecture as SVG: its rates and grids to scale, or its cell and its path on the trellis."""
    from nas.cli.output import print_json, print_result
    from nas.cli.specs import read_fidelity
    from nas.drawing.draw import draw as draw_source
    from nas.yaml_files import STDIN

    if output is not None and output.suffix != ".svg":
        raise CommandError(f"{output} would hold SVG: let its name end in .svg")
    asked = None if fidelity is None else read_fidelity(fidelity)
    drawing = draw_source(_standard_input() if file == STDIN else file, fidelity=asked)
    if output is not None:
        drawing.save(output)
        print_result(f"wrote {output}", {"wrote": [str(output)]}, as_json)
    elif as_json:
        print_json({"svg": drawing.svg})
    else:
        print(drawing.svg, end="")


def _standard_input() -> Any:
    from search_spaces.json_text import parse_json

    try:
        return parse_json(sys.stdin.buffer.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("standard input is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"standard input is not JSON: {error.msg}") from None
