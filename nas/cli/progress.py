"""Progress bars for whatever takes longer than two seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[str, int, int], None]
"""Called with a stage's name, how much is done, and of how much."""

QUIET_SECONDS = 10.0
"""Between two lines of a stage where there is no terminal."""


def bars(console: Console) -> Progress:
    """Name, bar, counts, times and a note on each line."""
    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=20),  # with a note of 28 columns, a line fits on a terminal of 80
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )


@contextlib.contextmanager
def stages() -> Iterator[Report]:
    """Shows stages on standard error: bars on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    with bars(Console(stderr=True)) as progress:
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, note="")
            progress.update(tasks[stage], completed=done, total=total)

        yield report


class _Lines:
    """A line at the first and the last of a stage, and every ten seconds between."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._last.get(stage, -QUIET_SECONDS) >= QUIET_SECONDS:
            self._last[stage] = now
            print(f"{stage}: {done} / {total}", file=sys.stderr, flush=True)
