"""The command `segnas published`, which lists scores from papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.published import PublishedScore


def published(
    dataset: Annotated[
        str | None,
        typer.Option(help="Only this data set: cityscapes, voc2012, ade20k, pascal_context, coco_stuff10k."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the mIoU that papers report, with source and setting of every number. None of them was measured here."""
    from nas.cli.output import print_json
    from nas.published import published as read

    scores = read(dataset)
    if json:
        print_json([score.model_dump(mode="json", exclude_none=True) for score in scores])
    else:
        _print_tables(scores)


def _print_tables(scores: Sequence[PublishedScore]) -> None:
    from rich.table import Table
    from rich.text import Text

    from nas.cli.output import console

    for dataset in dict.fromkeys(score.dataset for score in scores):
        rows = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("mIoU", "Split", "Method", "Backbone", "Scales", "Extra data", "Source"):
            rows.add_column(column, no_wrap=column in ("mIoU", "Split", "Scales"))
        for score in scores:
            if score.dataset == dataset:
                scales = {True: "several", False: "one", None: "?"}[score.multi_scale]
                extra = "?" if score.extra is None else ", ".join(score.extra) or "none"
                method = score.method if score.note is None else f"{score.method}; {score.note}"
                source = f"{score.source.venue}, {score.source.url}; {score.where}"
                cells = (f"{score.miou:.2f}", score.split, method, score.backbone, scales, extra, source)
                rows.add_row(*map(Text, cells))
        print(f"\n{dataset}: published mIoU in percent; ? where the setting is not recorded here")
        console().print(rows)
