"""Progress bars on the terminal for work that lasts longer than two seconds."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from nas.training.progress import Progress as Report
from nas.training.progress import ProgressLines


class _TimeLeft(TimeRemainingColumn):
    """The time that is left: the field `left` of a task that has one, else by the speed of its bar."""

    def render(self, task: Task) -> Text:
        left: str | None = task.fields.get("left")
        return super().render(task) if left is None else Text(left, style="progress.remaining")


def bars(console: Console) -> Progress:
    """Progress bars with a name, counts, times and a note on each line."""
    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=20),  # with a note of 28 columns, a line fits on a terminal of 80
        MofNCompleteColumn(),
        _TimeLeft(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )


@contextlib.contextmanager
def shown(progress: Progress) -> Iterator[None]:
    """Show bars within the context; SIGTERM meanwhile ends the command in order, so a terminal keeps its cursor."""
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with progress:
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def stages() -> Iterator[Report]:
    """Show the progress of stages on standard error: bars on a terminal, otherwise a line now and then.

    Yields:
        A function to call with stage, done and total.
    """
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    progress = bars(Console(stderr=True))
    with shown(progress):
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, note="")
            progress.update(tasks[stage], completed=done, total=total)

        yield report
