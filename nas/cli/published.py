"""The command `segnas published`, which lists scores from papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.service import Json

if TYPE_CHECKING:
    from nas.published import PublishedScore


def published(
    dataset: Annotated[
        str | None,
        typer.Option(help="Only this data set: cityscapes, voc2012, ade20k, pascal_context, coco_stuff10k."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the mIoU that papers report, with source and setting of every number. None of them was measured here."""
    from nas.cli.output import print_json
    from nas.published import published as read

    scores = read(dataset)
    if as_json:
        print_json([score.model_dump(mode="json", exclude_none=True) for score in scores])
    else:
        _print_tables(scores)


def _print_tables(scores: Sequence[PublishedScore]) -> None:
    from nas.cli.layout import Column, cell, print_table, print_wrapped

    columns = (Column("mIoU"), Column("Split"), Column("Method, backbone and setting; where it stands", wraps=True))
    for dataset in dict.fromkeys(score.dataset for score in scores):
        here = [score for score in scores if score.dataset == dataset]
        print_wrapped(f"{dataset}: published mIoU in percent; ? where the setting is not recorded here")
        print_table(columns, [(f"{score.miou:.2f}", score.split, cell(_described(score))) for score in here])
        for source in dict.fromkeys(score.source for score in here):
            print_wrapped(f"{source.venue}: {source.title}, {source.url}", "  ")
        print()


def _described(score: PublishedScore) -> str:
    scales = {True: "several scales", False: "one scale", None: "scales ?"}[score.multi_scale]
    extra = "?" if score.extra is None else ", ".join(score.extra) or "none"
    method = score.method if score.note is None else f"{score.method} ({score.note})"
    return f"{method}, {score.backbone}; {scales}, extra data {extra}. {score.source.venue}: {score.where}"
