"""The command `segnas latency`, which times an exported architecture on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.service import Json


def latency(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported architecture.")],
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:N; default: as the search measured, else the first GPU or CPU.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; default: as the search measured, else torch's own number.")
    ] = None,
    runs: Annotated[int, typer.Option(min=2, max=100_000, help="Timed forward passes, after 20 that warm up.")] = 100,
    as_json: Json = False,
) -> None:
    """Time one forward pass of an exported head for one image, as a search does, beside what the search measured."""
    from nas.cli.output import print_json
    from nas.cli.packages import require_torch
    from nas.formatting import agreement_text, latency_text
    from search_spaces import read_architecture

    document = read_architecture(file)
    require_torch("measuring latency needs")
    from nas.training.latency import measure_document

    found = measure_document(document, device=device, threads=threads, runs=runs)
    recorded = document.provenance.latency
    if as_json:
        comparable = recorded is not None and found.compares(recorded)
        print_json(
            {
                "measured": found.model_dump(mode="json"),
                "recorded": None if recorded is None else recorded.model_dump(mode="json"),
                "within_spread": found.agrees(recorded) if recorded is not None and comparable else None,
            }
        )
        return
    print(f"measured  {latency_text(found)}")
    if recorded is not None:
        print(f"recorded  {latency_text(recorded)}\n{agreement_text(found, recorded)}")
