"""The commands `bench info`, `bench query`, `bench top`, `bench export` and `bench merge`: tables of trained heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json

if TYPE_CHECKING:
    from rich.text import Text

    from nas.heads_bench import HeadsTable

app = typer.Typer(help="Read and make tables of trained heads (SegHeads-Bench).", no_args_is_help=True)

Table = Annotated[Path, typer.Argument(metavar="FILE", help="The table, a file that `bench export` wrote.")]
Rung = Annotated[int | None, typer.Option(min=1, help="Training iterations; by default the last rung.")]
Dataset = Annotated[str | None, typer.Option(help="Name of the data set; needed where the table has several.")]


@app.command("info")
def info(
    file: Table,
    card: Annotated[bool, typer.Option("--card", help="Print the data card, in Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Check a table, and say what is in it."""
    from nas.cli.output import print_json
    from nas.heads_bench.file import open_table, read_card

    if card:
        print(read_card(file), end="")
        return
    table = open_table(file)
    if as_json:
        print_json({"hash": table.hash, "heads": len(table.heads), **table.about.model_dump(mode="json")})
        return
    about = table.about
    print(f"{about.name}\nlicence  {about.licence}\nhash     {table.hash}\nheads    {len(table.heads)}")
    if about.left_out:
        print(f"left out {len({out.key for out in about.left_out})}")
    for setting in about.settings:
        print(
            f"{setting.dataset}: {len(setting.classes)} classes, seeds {', '.join(map(str, setting.seeds))}, "
            f"rungs {', '.join(map(str, setting.rungs))}, fidelity {setting.fidelity_key[:12]}"
        )


@app.command("query")
def query(
    *,
    file: Table,
    head: Annotated[
        str, typer.Argument(metavar="HEAD", help="The first characters of a head's key, or an architecture's file.")
    ],
    dataset: Dataset = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Only this seed of training.")] = None,
    rung: Rung = None,
    as_json: Json = False,
) -> None:
    """Show what was measured of a head: score, seconds and the IoU of each class, for each seed."""
    from nas.cli.layout import Column, cell, print_table
    from nas.cli.output import print_json
    from nas.heads_bench.file import open_table
    from search_spaces.document import read_architecture

    table = open_table(file)
    found = table.head(read_architecture(head).architecture.key if Path(head).is_file() else head)
    setting = table.setting(_dataset(table, dataset))
    seeds = setting.seeds if seed is None else (seed,)
    rows = {one: table.query(found.key, setting.dataset, one, rung) for one in seeds}
    if as_json:
        answer: dict[str, Any] = {
            "head": found._asdict(),
            "dataset": setting.dataset,
            "rung": rung or setting.rungs[-1],
        }
        print_json({**answer, "seeds": {str(one): row._asdict() for one, row in rows.items()}})
        return
    first = next(iter(rows.values()))
    latency = "" if first.latency_ms is None else f", {first.latency_ms:.2f} ms"
    print(f"{found.text}\n{found.key}\n{first.parameters:,} parameters, {first.multiply_adds:,} multiply-adds{latency}")
    scores = ((str(one), f"{row.score:.4f}", f"{row.seconds:.1f}") for one, row in rows.items())
    print_table((Column("Seed"), Column("mIoU"), Column("Seconds")), scores)
    ious: list[tuple[str | Text, ...]] = [
        (cell(name), *("-" if row.class_iou[index] is None else f"{row.class_iou[index]:.3f}" for row in rows.values()))
        for index, name in enumerate(setting.classes)
    ]
    print_table((Column("IoU of class", wraps=True), *(Column(f"Seed {one}") for one in rows)), ious)


@app.command("top")
def top(
    file: Table,
    dataset: Dataset = None,
    rung: Rung = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many heads.")] = 10,
    as_json: Json = False,
) -> None:
    """List the heads with the highest mean mIoU over the seeds."""
    from nas.cli.layout import Column, cell, print_table
    from nas.cli.output import Architectures, print_json
    from nas.formatting import quantity
    from nas.heads_bench.file import open_table
    from search_spaces import read_architecture
    from search_spaces.text import short_text

    table = open_table(file)
    name = _dataset(table, dataset)
    best = table.top(name, count, rung)
    if as_json:
        print_json(
            [{"key": head.key, "text": head.text, "mean": mean, "document": head.document} for head, mean in best]
        )
        return
    texts = Architectures((head.text, short_text(read_architecture(head.document).architecture)) for head, _ in best)
    columns = (
        Column("Key"),
        Column("mIoU"),
        Column("Parameters"),
        Column("Multiply-adds", drop=1),
        Column("Architecture", wraps=True),
    )
    rows: list[tuple[str | Text, ...]] = []
    for (head, mean), text in zip(best, texts, strict=True):
        size = table.query(head.key, name, table.setting(name).seeds[0])
        sizes = (quantity(size.parameters), quantity(size.multiply_adds))
        rows.append((head.key[:12], f"{mean:.4f}", *sizes, cell(text)))
    print_table(columns, rows, texts.notes)


@app.command("export")
def export(
    *,
    searches: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Searches whose trials are heads, with several seeds each.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The table.")],
    name: Annotated[str, typer.Option(help="Name of the table.")] = "Table of heads",
    licence: Annotated[str, typer.Option(help="SPDX identifier of the licence of the table.")] = "CC-BY-4.0",
    description: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Paragraphs for the data card, in Markdown.")
    ] = None,
    latency: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Latencies, as `benchmarks.heads_bench` measures them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a table of the trials of searches."""
    from nas.cli.output import print_result
    from nas.cli.service import connect, resolve
    from nas.heads_bench.build import build
    from nas.heads_bench.collect import collect
    from nas.heads_bench.file import write_table
    from nas.heads_bench.latency_file import read_latencies

    text = "" if description is None else description.read_text("utf-8")
    how, latencies = (None, None) if latency is None else read_latencies(latency)
    with connect() as client:
        trainings = collect(client, [resolve(client, search) for search in searches])
        made = build(trainings, name=name, description=text, licence=licence, latency=how, latencies=latencies)
    table = write_table(output, *made)
    out = len({one.key for one in table.about.left_out})
    line = f"wrote {output}: {_heads(len(table.heads))}" + (f", {out} left out" if out else "") + f", hash {table.hash}"
    facts = {"wrote": [str(output)], "heads": len(table.heads), "left_out": out, "hash": table.hash}
    print_result(line, facts, as_json)


@app.command("merge")
def merge_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tables of one setting, the main one first.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The new table.")],
    name: Annotated[str | None, typer.Option(help="Name of the new table; by default that of the first.")] = None,
    as_json: Json = False,
) -> None:
    """Join tables that were recorded apart into one."""
    from nas.cli.output import print_result
    from nas.heads_bench.file import open_table, write_table
    from nas.heads_bench.merge import merge

    table = write_table(output, *merge([open_table(file) for file in files], name))
    line = f"wrote {output}: {_heads(len(table.heads))} of {len(files)} tables, hash {table.hash}"
    print_result(line, {"wrote": [str(output)], "heads": len(table.heads), "hash": table.hash}, as_json)


def _heads(count: int) -> str:
    from nas.formatting import counted

    return counted(count, "head")


def _dataset(table: HeadsTable, given: str | None) -> str:
    if given is None and len(table.datasets) > 1:
        raise CommandError(f"the table has several data sets; name one by --dataset: {', '.join(table.datasets)}")
    return given or table.datasets[0]
