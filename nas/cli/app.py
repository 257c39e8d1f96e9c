"""All commands of `segnas`; a user's mistake ends in one sentence on standard error and exit code 1 or 2."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from nas.cli import (
    bench,
    cache,
    confirming,
    dashboard,
    data,
    doctor,
    draw,
    exporting,
    init,
    kinds,
    latency,
    lifecycle,
    pareto,
    published,
    rankings,
    registering,
    reports,
    retraining,
    searches,
    serving,
    tokens,
    watching,
    worth,
)
from nas.escaping import one_line
from nas.user_paths import in_words

app = typer.Typer(
    name="segnas",
    help="Neural architecture search for semantic segmentation.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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


PANELS: dict[str, dict[str, Callable[..., object]]] = {
    "Start": {
        "init": init.init,
        "serve": serving.serve,
        "worth": worth.worth,
        "submit": searches.submit,
        "calibrate": rankings.calibrate,
        "full-scale": rankings.full_scale,
        "confirm": confirming.confirm,
    },
    "Watch": {
        "searches": searches.searches,
        "show": searches.show,
        "watch": watching.watch,
        "logs": searches.logs,
        "dashboard": dashboard.dashboard,
    },
    "Results": {
        "trials": searches.trials,
        "export": exporting.export,
        "retrain": retraining.retrain,
        "pareto": pareto.pareto,
        "draw": draw.draw,
        "latency": latency.latency,
        "compare": reports.compare,
        "report": reports.report,
        "rank": rankings.rank,
        "calibration": rankings.calibration,
        "confirmation": confirming.confirmation,
        "heads": kinds.heads,
        "snapshots": kinds.snapshots,
        "published": published.published,
    },
    "Manage": {
        "pause": lifecycle.pause,
        "resume": lifecycle.resume,
        "extend": lifecycle.extend,
        "stop": searches.stop,
        "edit": lifecycle.edit,
        "delete": lifecycle.delete,
    },
    "Data and machine": {"doctor": doctor.doctor},
}
"""The commands by the part of the help that they stand in, in the order of the help."""

for _panel, _commands in PANELS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel)(_command)
for _name, _group in (("data", data.app), ("weights", registering.weights), ("cache", cache.app)):
    app.add_typer(_group, name=_name, rich_help_panel="Data and machine")
app.add_typer(tokens.app, name="token", rich_help_panel="Manage")
app.add_typer(bench.app, name="bench", rich_help_panel="Results")


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: With 1 when something failed, 2 when the input was wrong.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here its failure can be told; Python would do it after the end of everything
    except BrokenPipeError:  # as in `segnas trials ID | head`
        _say_no_more()
        sys.exit(1)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        print(f"segnas: {one_line(in_words(error) if isinstance(error, OSError) else str(error))}", file=sys.stderr)
        _say_no_more()
        sys.exit(code)


def _open_streams() -> None:
    """Give a command that was started with closed streams, as in `segnas show ID >&-`, others that lead nowhere.

    Python has None in their place, and the next file that is opened would have their number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            stream = open(number, "r" if number == 0 else "w", closefd=False, encoding="utf-8")  # noqa: SIM115  it stays
            setattr(sys, name, stream)


def _say_no_more() -> None:
    """Leave unwritten what standard output could not take: Python would try again at its end, with a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _code(error: Exception) -> int | None:
    """The exit code of a user's mistake or of a failure that a sentence explains; None for a bug."""
    from nas.cli.mistakes import CommandError
    from nas.client import ClientError
    from nas.results.measurement import TrialError
    from nas.store import StoreError
    from search_spaces.validation import InputError

    refused = isinstance(error, ClientError) and error.status == 422
    if refused or isinstance(error, InputError | CommandError):
        return 2
    return 1 if isinstance(error, ClientError | TrialError | StoreError | ValueError | OSError) else None
