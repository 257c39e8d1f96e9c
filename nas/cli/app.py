"""All commands of `segnas`; a user's mistake ends in one sentence on standard error and exit code 1 or 2."""

from __future__ import annotations

import os
import sys

import typer

from nas.cli import cache, data, kinds, local, published, rankings, registering, remote, serving, watching

app = typer.Typer(
    name="segnas",
    help="Neural architecture search for semantic segmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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
app.command("stop")(remote.stop)
app.command("logs")(remote.logs)
app.command("export")(remote.export)
app.command("retrain")(local.retrain)
app.command("published")(published.published)
app.add_typer(cache.app, name="cache")
app.add_typer(data.app, name="data")
app.add_typer(registering.weights, name="weights")


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: With 1 when something failed, 2 when the input was wrong.
    """
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # as in `segnas trials ID | head`
        sys.exit(1)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        print(f"segnas: {error}", file=sys.stderr)
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
