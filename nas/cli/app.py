"""All commands of `segnas`; a user's mistake ends in one sentence on standard error and exit code 1 or 2."""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from nas.cli import (
    bench,
    cache,
    confirming,
    data,
    doctor,
    draw,
    init,
    kinds,
    latency,
    lifecycle,
    local,
    pareto,
    published,
    rankings,
    registering,
    remote,
    reports,
    serving,
    watching,
)
from nas.escaping import one_line

app = typer.Typer(
    name="segnas",
    help="Neural architecture search for semantic segmentation.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"segnas {version('segnas')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("init")(init.init)
app.command("serve")(serving.serve)
app.command("submit")(remote.submit)
app.command("searches")(remote.searches)
app.command("show")(remote.show)
app.command("trials")(remote.trials)
app.command("watch")(watching.watch)
app.command("snapshots")(kinds.snapshots)
app.command("heads")(kinds.heads)
app.command("full-scale")(rankings.full_scale)
app.command("rank")(rankings.rank)
app.command("calibrate")(rankings.calibrate)
app.command("calibration")(rankings.calibration)
app.command("pareto")(pareto.pareto)
app.command("confirm")(confirming.confirm)
app.command("confirmation")(confirming.confirmation)
app.command("compare")(reports.compare)
app.command("report")(reports.report)
app.command("stop")(remote.stop)
app.command("pause")(lifecycle.pause)
app.command("resume")(lifecycle.resume)
app.command("extend")(lifecycle.extend)
app.command("edit")(lifecycle.edit)
app.command("delete")(lifecycle.delete)
app.command("logs")(remote.logs)
app.command("export")(remote.export)
app.command("draw")(draw.draw)
app.command("latency")(latency.latency)
app.command("retrain")(local.retrain)
app.command("published")(published.published)
app.command("doctor")(doctor.doctor)
app.add_typer(bench.app, name="bench")
app.add_typer(cache.app, name="cache")
app.add_typer(data.app, name="data")
app.add_typer(registering.weights, name="weights")


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: With 1 when something failed, 2 when the input was wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # as in `segnas trials ID | head`
        sys.exit(1)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        print(f"segnas: {one_line(str(error))}", file=sys.stderr)
        sys.exit(code)


def _code(error: Exception) -> int | None:
    """The exit code of a user's mistake or of a failure that a sentence explains; None for a bug."""
    from nas.client import ClientError
    from nas.results.measurement import TrialError
    from nas.store import StoreError
    from search_spaces.validation import InputError

    if isinstance(error, InputError) or (isinstance(error, ClientError) and error.status == 422):
        return 2
    return 1 if isinstance(error, ClientError | TrialError | StoreError | ValueError | OSError) else None
