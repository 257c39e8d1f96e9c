"""A book in Tune's terms: a search algorithm gives its tasks, a scheduler stops them, a callback records them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import SearchAlgorithm

from workers.trainables.message import RESULT_KEY, Failed, Measured, Progress
from workers.trainables.task import Task
from workers.tune.book import Book


class Proposals(SearchAlgorithm):  # type: ignore[misc]  # Ray has no types
    """Tune's source of trials: the book's tasks.

    Args:
        book: Launches the tasks.
        make_trial: Makes a task Tune's trial.
        concurrent: How many trials may run at a time.
    """

    def __init__(self, book: Book[Any, Any], make_trial: Callable[[Task], Trial], concurrent: int) -> None:
        self._book = book
        self._make_trial = make_trial
        self._concurrent = concurrent
        self._live: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether as many trials run as may."""
        return len(self._live) >= self._concurrent

    def next_trial(self) -> Trial | None:
        """The next trial, or None while enough of them run, or when none is left."""
        if self.full or self.is_finished():
            return None
        task = self._book.launch()
        if task is None:
            return None
        trial = self._make_trial(task)
        self._live.add(trial.trial_id)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:  # noqa: ARG002  Tune passes them
        """A trial ended, in whatever way."""
        self._live.discard(trial_id)

    def is_finished(self) -> bool:
        """Whether no trial is left to give."""
        return self._book.exhausted


class EarlyStopping(FIFOScheduler):  # type: ignore[misc]  # Ray has no types
    """Tune's scheduler: asks the book at each rung. Ray's own ASHA knows no explicit rungs and no replay.

    Args:
        book: Decides which trials go on.
    """

    def __init__(self, book: Book[Any, Any]) -> None:
        super().__init__()
        self._book = book

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:  # noqa: ARG002  Tune passes it
        """Called for every message but the last, where there is nothing left to stop."""
        message = result[RESULT_KEY]
        if isinstance(message, Measured) and not self._book.should_continue(trial.config["task"].number, message):
            return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)

    def choose_trial_to_run(self, tune_controller: Any) -> None:  # noqa: ARG002  Tune passes it
        """Nothing to add: Tune starts waiting trials in their order. The parent's search for one takes O(trials)."""
        return


class Recorder(Callback):  # type: ignore[misc]  # Ray has no types
    """Tune's callback: has the book record every event.

    Args:
        book: The record.
        reason_of: Says why a trial failed that Tune gave up.
    """

    def __init__(self, book: Book[Any, Any], reason_of: Callable[[Trial], str]) -> None:
        self._book = book
        self._reason_of = reason_of

    def on_trial_result(self, *, trial: Trial, result: dict[str, Any], **_: Any) -> None:
        """A message has come."""
        message = result[RESULT_KEY]
        if isinstance(message, Measured | Progress):  # a failure is recorded with the end, which follows
            self._book.record(trial.config["task"].number, message)

    def on_trial_recover(self, *, trial: Trial, **_: Any) -> None:
        """The process died; Tune has put the trial back into its queue."""
        task = trial.config["task"]
        trial.set_config({"task": replace(task, attempt=self._book.relaunch(task.number))})

    def on_trial_complete(self, *, trial: Trial, **_: Any) -> None:
        """The trial ended by itself or by early stopping."""
        number, message = trial.config["task"].number, trial.last_result[RESULT_KEY]
        if isinstance(message, Failed):
            self._book.end(number, message.reason, message.node)
        else:
            self._book.end(number)

    def on_trial_error(self, *, trial: Trial, **_: Any) -> None:
        """Tune has given the trial up."""
        self._book.end(trial.config["task"].number, self._reason_of(trial))
