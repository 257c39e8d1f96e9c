"""The command `segnas export`, which writes architectures of a search to files."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.pareto import export_pareto
from nas.cli.service import Json, SearchId, connect, resolve

if TYPE_CHECKING:
    from nas.client import Client


class Format(StrEnum):
    """Formats of an exported architecture."""

    segnas = "segnas"
    deeplab = "deeplab"
    darts = "darts"


def export(
    *,
    search: SearchId,
    trial: Annotated[int | None, typer.Option(min=0, help="This trial instead of the best.")] = None,
    format: Annotated[
        Format, typer.Option("--format", help="segnas: the full document; deeplab: TensorFlow's; darts: PyTorch's.")
    ] = Format.segnas,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="All architectures of the Pareto set, into the folder that -o names.")
    ] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: print it.")] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the head to an ONNX file instead, with initial weights: to time it on a device."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the best architecture (so far) as JSON."""
    from nas.cli.output import print_json, print_result

    if pareto:
        if output is None or trial is not None or onnx is not None or format is not Format.segnas:
            raise CommandError(
                "--pareto writes a file for each trial of the set: give a folder by -o, and nothing else"
            )
        with connect() as client:
            files = list(map(str, export_pareto(client, resolve(client, search), output)))
        print_result("\n".join(f"wrote {file}" for file in files), {"wrote": files}, as_json)
        return
    if onnx is not None and format is not Format.segnas:
        raise CommandError("--onnx writes no JSON, so --format does not go with it")
    with connect() as client:
        search_id = resolve(client, search)
        document = client.best(search_id, format.value) if trial is None else _trial(client, search_id, trial, format)
    lines, written = [], []
    if onnx is not None:
        _write_onnx(document, onnx)
        written.append(str(onnx))
        lines.append(f"wrote {onnx}, with initial weights; `segnas retrain --onnx` trains the network")
    if output is not None:
        output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        written.append(str(output))
        lines.append(f"wrote {output}")
    if (note := _confirmed(document)) is not None:
        lines.append(note)
    if written:
        print_result("\n".join(lines), {"wrote": written}, as_json)
    else:
        print_json(document)


def _confirmed(document: Any) -> str | None:
    """Say which trial a document is of, where a confirmation chose it."""
    provenance = document.get("provenance", {}) if isinstance(document, dict) else {}
    if "confirmed" not in provenance:
        return None
    found, images = provenance["confirmed"], "on images kept back from the search"
    where = f" {images}" if found["kept_back"] else ""
    return (
        f"trial {provenance['trial']} of {provenance['search']}: the best by the confirmation {found['search']}, with "
        f"a mean of {found['score']:.4f} over {found['seeds']} fresh seeds{where}"
    )


def _trial(client: Client, search_id: str, number: int, format: Format) -> Any:
    from search_spaces import read_architecture
    from search_spaces.formats import write_format

    document = client.trial(search_id, number).document
    if format is Format.segnas:
        return document
    return write_format(read_architecture(document).architecture, "deeplab" if format is Format.deeplab else "darts")


def _write_onnx(document: Any, path: Path) -> None:
    from nas.cli.packages import require_torch

    require_torch("ONNX files need")
    from nas.training.export import export_untrained
    from search_spaces import read_architecture

    export_untrained(read_architecture(document), path)
