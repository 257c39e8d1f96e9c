"""Follow a search on the terminal: a bar for each stage, a bar for the trials, the best score so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from nas.cli.service import Json, Patience, SearchId, connect, resolve, restart_patience
from nas.escaping import one_line
from nas.formatting import duration, score

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from nas.client import Client
    from nas.forecast.remaining import Remaining
    from nas.schemas.calibrations import CalibrationPublic
    from nas.schemas.searches import SearchPublic
    from nas.schemas.trials import TrialPublic


def watch(search: SearchId, patience: Patience = None, as_json: Json = False) -> None:
    """Follow a search to its end, and the confirmation that follows it. Exit code 0 when it was completed."""
    patience = restart_patience(patience)
    with connect(patience) as client:
        raise typer.Exit(follow(client, resolve(client, search), as_json, patience))


def show_started(
    client: Client,
    started: SearchPublic | CalibrationPublic,
    noun: str,
    *,
    watch: bool,
    as_json: bool,
    answer: Callable[[], None] | None = None,
    patience: float | None = None,
) -> None:
    """Print the id of a search that was started, or follow it to its end and print what it has found.

    Args:
        client: The service.
        started: The search.
        noun: What it is called, such as "calibration".
        watch: Whether to follow the search.
        as_json: Whether to print JSON, of the search alone.
        answer: Prints what the search has found, once it is completed; None where it is read from the search itself.
        patience: See `follow`.

    Raises:
        typer.Exit: The search was followed; the exit code is that of `follow`.
    """
    from nas.cli.output import print_result
    from nas.schemas.searches import SearchPublic

    if not watch:
        print_result(started.id, started.model_dump(mode="json"), as_json)
        return
    if not as_json:
        search = started if isinstance(started, SearchPublic) else client.search(started.id)
        print(f"{noun} {started.id}, live at {client.page_of(search)}", flush=True)
    code = follow(client, started.id, as_json, patience)
    if code == 0 and not as_json and answer is not None:
        answer()
    raise typer.Exit(code)


def follow(client: Client, search_id: str, as_json: bool = False, patience: float | None = None) -> int:
    """Show a search until its end, then its confirmation, where it has one, until its end.

    Args:
        client: The service.
        search_id: The search.
        as_json: Whether to print the search as it ended as JSON, and its progress on standard error; a confirmation is
            then not waited for.
        patience: Seconds for which a service that does not answer is waited for; None takes the client's default.

    Returns:
        An exit code: 0 when the search was completed, 1 when it failed, was stopped or paused, 130 on Ctrl-C.
    """
    from nas.cli.output import print_json

    last = show_progress(client, search_id, aside=as_json, patience=patience)
    if last is None:
        return 130
    if as_json:
        print_json(last.model_dump(mode="json"))
    else:
        _print_end(last)
    if last.status != "completed":
        return 1
    return 0 if as_json or last.confirmation is None else _follow_confirmation(client, last.confirmation, patience)


def show_progress(client: Client, search_id: str, aside: bool, patience: float | None = None) -> SearchPublic | None:
    """Show the progress of a search until its end.

    Args:
        client: The service.
        search_id: The search.
        aside: Whether to print on standard error.
        patience: Seconds for which a service that does not answer is waited for; None takes the client's default.

    Returns:
        The search as it ended; None on Ctrl-C, when it goes on.
    """
    from nas.cli.layout import console

    terminal = console(stderr=aside)
    view: _Bars | _EventLines = _Bars(terminal) if terminal.is_terminal else _EventLines(terminal)
    last: SearchPublic | None = None
    try:
        with view:
            for event in client.events(search_id, restart_patience(patience)):
                if event.trial is not None:
                    view.trial(event.trial)
                if event.search is not None:
                    last = event.search
                    view.search(last)
    except KeyboardInterrupt:
        print(f"\nthe search continues: segnas watch {search_id}, or segnas stop {search_id}", file=terminal.file)
        return None
    assert last is not None, "a stream of events ends with the finished search"
    return last


def _follow_confirmation(client: Client, confirmation: str, patience: float | None) -> int:
    """Show the confirmation of a completed search until its end, then its answer; 130 on Ctrl-C, else 0."""
    from nas.cli.confirmation_table import print_confirmation

    page = client.page_of(client.search(confirmation))
    print(f"its best are measured again by {confirmation}, live at {page}", flush=True)
    if follow(client, confirmation, patience=patience) == 130:
        return 130
    print_confirmation(client.confirmation(confirmation))
    return 0


def _print_end(search: SearchPublic) -> None:
    from nas.cli.output import best

    # The message of a completed search is history, such as a driver that was lost and replaced.
    note = f": {search.message}" if search.message and search.status != "completed" else ""
    print(one_line(f"{search.id} {search.status}{note}"))
    if search.best is not None:
        print(f"best {best(search)}")
    if search.next_command is not None:
        print(f"next: {search.next_command}")


def _remaining() -> Remaining:
    from nas.forecast.remaining import Remaining  # sqlalchemy, which only a search that is followed needs

    return Remaining()


class _Bars:
    """Shows a search as progress bars, on a terminal."""

    def __init__(self, console: Console) -> None:
        from nas.cli.progress import bars, shown

        self._progress: Progress = bars(console)
        self._shown = shown(self._progress)
        self._tasks: dict[str, TaskID] = {}
        self._remaining = _remaining()

    def __enter__(self) -> None:
        self._shown.__enter__()

    def __exit__(self, *_: object) -> None:
        self._shown.__exit__(None, None, None)

    def search(self, search: SearchPublic) -> None:
        """Show the stage, and the number of trials that are over."""
        from nas.cli.output import best_value, ended
        from nas.results.status import SearchStatus, TrialStatus

        stage = search.stage
        for name, task in self._tasks.items():
            if name != "trials" and (stage is None or name != stage.name):
                total = self._progress.tasks[task].total
                self._progress.update(task, completed=total or 0)
        if stage is not None and stage.name != "trials":
            self._progress.update(self._task(stage.name), completed=stage.done, total=stage.total)
        running = search.trials[TrialStatus.RUNNING]
        note = f"{running} running" if search.status == SearchStatus.RUNNING else str(search.status)
        if search.best is not None:
            note += f", best {score(best_value(search))} #{search.best.number}"
        seconds = self._remaining.seconds(search) if search.status == SearchStatus.RUNNING else None
        left = None if seconds is None else f"{duration(seconds)} left"
        self._progress.update(self._task("trials"), completed=ended(search), total=search.planned, note=note, left=left)

    def trial(self, trial: TrialPublic) -> None:
        """Take note of how long the trial took."""
        self._remaining.trial(trial)

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(one_line(name), total=None, note="")
        return self._tasks[name]


class _EventLines:
    """Prints a line for each change of a search, into a file or a pipe."""

    def __init__(self, terminal: Console) -> None:
        self._file = terminal.file
        self._remaining = _remaining()
        self._printed: set[str] = set()
        self._over: set[int] = set()
        self._tenth = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def search(self, search: SearchPublic) -> None:
        """Print a line for a new status, and a line for each tenth of a stage, with the time that is left."""
        from nas.cli.output import ended

        if search.status.terminal:
            return
        self._print(f"{search.status}" + (f": {search.message}" if search.message else ""))
        stage = search.stage
        if stage is not None and stage.name != "trials":
            tenth = 10 * stage.done // max(stage.total, 1)
            self._print(f"{stage.name}: {10 * tenth} %")
        tenth = 10 * ended(search) // max(search.planned, 1)
        if tenth > self._tenth and (seconds := self._remaining.seconds(search)) is not None:
            self._tenth = tenth
            self._print(f"trials: {ended(search)} of {search.planned}, about {duration(seconds)} left")

    def trial(self, trial: TrialPublic) -> None:
        """Print a line for a trial that is over."""
        self._remaining.trial(trial)
        if trial.status.terminal and trial.number not in self._over:
            self._over.add(trial.number)
            result = f" {score(trial.score)} at {trial.iteration}" if trial.score is not None else ""
            time = f", {duration(trial.seconds)}" if trial.seconds is not None else ""
            reason = f": {trial.reason}" if trial.reason else ""
            self._write(f"trial {trial.number} {trial.status}{result}{time}{reason}")

    def _print(self, line: str) -> None:
        if line not in self._printed:
            self._printed.add(line)
            self._write(line)

    def _write(self, line: str) -> None:
        print(one_line(line), flush=True, file=self._file)
