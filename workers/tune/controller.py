"""Tune's event loop, led by a book of tasks (`workers.tune.book.Book`).

`TuneController` is used directly, not through `Tuner.fit`: that writes snapshots of the experiment and reads them back
at its end (here SQL is the record, and a restored Tuner unpickles), and cannot be stopped within seconds. The few
methods overridden below belong to Ray's internals; the project pins Ray's minor version, and
`tests/workers/ray_gate` checks each of them against the Ray that is installed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import ray
from ray.air.execution import PlacementGroupResourceManager, ResourceManager
from ray.air.execution._internal import RayActorManager, TrackedActor
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError
from ray.train._internal.storage import StorageContext
from ray.tune import register_trainable
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial

from workers.trainables.process import Process, ProcessDiedError
from workers.trainables.reservations import is_noted, release
from workers.trainables.task import Task
from workers.tune.book import Book
from workers.tune.callbacks import EarlyStopping, Proposals, Recorder
from workers.tune.place import Place

log = logging.getLogger("segnas.driver")

ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of a data set's entry stay what they are
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the book logs them, in one line
}
"""What Tune reads from the driver's environment."""


class SearchController(TuneController):  # type: ignore[misc]  # Ray has no types
    """Tune's event loop for the tasks of one book.

    A task is launched where its process can begin at once, and not before: a strategy that is asked late knows more
    scores, and what the record calls running has a process. The death of a process is counted once, and for the trial
    whose work it had begun.

    Exceptions of the book (the database stays away, the search is over) leave `step` as they are.

    Args:
        book: Gives the tasks and records what becomes of them.
        process: The class whose processes do the tasks.
        scratch: A folder for what Tune writes; nothing in it is read again.
    """

    _trials: list[Trial]
    _live_trials: set[Trial]
    _pending_trials: set[Trial]
    _running_trials: set[Trial]
    _resetting_trials: set[Trial]
    _trial_to_actor: dict[Trial, TrackedActor]

    def __init__(self, book: Book[Any, Any], process: type[Process], scratch: Path) -> None:
        self._book = book
        self._process = process.__name__
        self._last_failure: dict[str, Exception] = {}
        resources = book.resources
        register_trainable(self._process, process, warn=False)
        self._proposals = Proposals(book, self._make_trial, resources.concurrent)
        super().__init__(
            search_alg=self._proposals,
            scheduler=EarlyStopping(book),
            callbacks=[Recorder(book, self._reason_of)],
            storage=StorageContext(storage_path=str(scratch), experiment_dir_name="tune"),
            reuse_actors=resources.reuse_workers,
        )
        self.update_max_pending_trials(resources.concurrent)
        manager = PlacementGroupResourceManager()
        self._in_groups = process.processes(resources) > 1
        self._place = Place(manager, resources, process.processes(resources))
        self._actor_manager = TrialActors(manager, self._display_name)
        # Exceptions of the book leave `step` as they are, rather than end the trial they happened to meet.
        self._fail_fast = self.RAISE

    def checkpoint(self, force: bool = False, wait: bool = False) -> None:
        """Does nothing: SQL is the record, and Tune's snapshots of the experiment are not read."""

    def on_step_end(self) -> None:
        """Forgets trials that are over: Tune would keep 80 KB of each to the end of the search."""
        super().on_step_end()
        if self._stopped_trials or self._failed_trials:
            self._stopped_trials.clear()
            self._failed_trials.clear()
            self._trials_to_cache.clear()
            self._trials = [trial for trial in self._trials if not trial.is_finished()]
            self._live_trials = {trial for trial in self._live_trials if not trial.is_finished()}

    def abort(self) -> None:
        """End all processes of trials at once, and give back what groups of processes have reserved."""
        self._actor_manager.cleanup()
        if self._in_groups:
            for trial in self._live_trials:
                release(trial.config["task"])

    def _make_trial(self, task: Task) -> Trial:
        trial = CountedTrial(
            self._process,
            config={"task": task},
            trial_id=f"{task.number:06d}",
            storage=self._storage,
            max_failures=self._book.retries,
        )
        trial.run_metadata.num_failures = task.deaths  # those that earlier drivers saw count too
        trial.relative_logdir = trial.storage.trial_dir_name = "trials"  # one folder for all; nothing is written there
        return trial

    def _maybe_update_trial_queue(self) -> None:
        """Takes the next task where there is room for it; Tune would take all that may run, and block without any."""
        wanted = not self._proposals.is_finished() and not self._proposals.full and self._all_have_room()
        idle = bool(self._actor_cache.num_cached_objects)
        if wanted and (idle or self._place.granted):
            self._place.take()
            self._update_trial_queue()
        elif wanted:
            self._place.ask()
        else:
            self._place.give_back()

    def _all_have_room(self) -> bool:
        """Whether every launched trial has the resources that it takes: those whose process died come first."""
        if any(not self._has_process(trial) for trial in self._pending_trials):
            return False
        launched = self._pending_trials | self._running_trials
        return not self._in_groups or all(is_noted(trial.config["task"]) for trial in launched)

    def _has_process(self, trial: Trial) -> bool:
        actor = self._trial_to_actor.get(trial)
        return actor is not None and bool(self._actor_manager.is_actor_started(actor))

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        """Leaves a trial with the process that is being started for it: an idle one is for the next proposal."""
        if trial not in self._resetting_trials and self._has_process(trial):
            return False
        return bool(super()._maybe_reuse_cached_actor(trial))

    def _trial_task_failure(self, trial: Trial, exception: Exception) -> None:
        """Takes a failure once: Tune tells of a process that dies while it is reset twice."""
        resetting = trial in self._resetting_trials
        if not resetting and trial.status != Trial.RUNNING:
            return
        task = trial.config["task"]
        log.warning("%s: %s", task.display_name, str(exception)[:2000], extra={task.noun: task.number})
        if resetting:
            self._put_back(trial, exception)
        else:
            self._count_failure(trial, exception)

    def _put_back(self, trial: Trial, exception: Exception) -> None:
        """Queues a trial anew, as the same attempt: a process that ran others ended before it could begin this one.

        Each time costs a process that has done a trial, so this ends.
        """
        self._resetting_trials.remove(trial)
        if trial.status == Trial.PENDING:  # the process lives, but could not be reset
            self._unstage_trial_with_resources(trial)
        self._schedule_trial_stop(trial, exception=exception)
        self._requeue_trial(trial)

    def _count_failure(self, trial: Trial, exception: Exception) -> None:
        """Retries only tasks whose process died: an exception in our code would come again."""
        if _is_a_bug(exception):
            trial.max_failures = 0
        self._last_failure[trial.trial_id] = exception
        self._process_trial_failure(trial, exception=exception)
        self._has_errored = False  # with `_fail_fast` it would end the search
        if self._in_groups and trial.is_finished():
            release(trial.config["task"])  # no next attempt does

    def _reason_of(self, trial: Trial) -> str:
        exception = self._last_failure.pop(trial.trial_id)
        if _is_a_bug(exception):
            return _first_line(exception.cause)
        times = f"{trial.num_failures} time{'s' if trial.num_failures != 1 else ''}"
        memory = ", the last time because its node was low on memory" if _out_of_memory(exception) else ""
        return f"its process died {times}{memory}"

    def _display_name(self, tracked_actor: TrackedActor) -> str | None:
        trial = self._actor_to_trial.get(tracked_actor)
        return None if trial is None else str(trial.config["task"].display_name)


class CountedTrial(Trial):  # type: ignore[misc]  # Ray has no types
    """Tune's trial, which counts every failure that it is told of and writes no file about it.

    Tune's own does not count a process that ends with a preempted node, and ends the search where its file cannot be
    written.
    """

    def handle_error(self, exc: Exception | None = None) -> None:  # noqa: ARG002  Tune passes it
        """Counts a failure."""
        self.run_metadata.num_failures += 1
        self.run_metadata.invalidate_cache()

    def init_local_path(self) -> None:
        """Makes no folder: nothing would be written there."""


class TrialActors(RayActorManager):  # type: ignore[misc]  # Ray has no types
    """Tune's manager of actors, which names every call after its trial: the dashboard then shows warm processes too.

    Args:
        resource_manager: Ray's.
        name_of: Names the trial that an actor works for; None where it works for none.
    """

    def __init__(
        self, resource_manager: ResourceManager, name_of: Callable[[TrackedActor], str | None] | None = None
    ) -> None:
        super().__init__(resource_manager=resource_manager)
        if name_of is not None:  # the parent begins anew by calling its constructor, without one
            self._name_of = name_of

    def _schedule_tracked_actor_task(self, tracked_actor_task: Any, method_name: str, **options: Any) -> Any:
        actor = tracked_actor_task._tracked_actor
        name = self._name_of(actor)
        if name is None:
            return super()._schedule_tracked_actor_task(tracked_actor_task, method_name, **options)
        live = self._live_actors_to_ray_actors_resources
        entry = live[actor]
        live[actor] = (_NamedCalls(entry[0], name), entry[1])
        try:
            return super()._schedule_tracked_actor_task(tracked_actor_task, method_name, **options)
        finally:
            live[actor] = entry

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        """Ray reports a process ended for want of memory, or with its node, in ways that Tune does not know.

        A process that only cannot be reached would go on with work that is given to another: it is ended.
        """
        if not isinstance(exception, RayActorError | RayTaskError):
            cause, exception = exception, RayActorError(error_msg=str(exception))
            exception.__cause__ = cause
        if isinstance(exception, RayActorError):
            ray.kill(self._live_actors_to_ray_actors_resources[tracked_actor_task._tracked_actor][0])
        super()._actor_task_failed(tracked_actor_task, exception)


class _NamedCalls:
    """An actor's handle whose calls carry a name."""

    def __init__(self, actor: Any, name: str) -> None:
        self._actor = actor
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(self._actor, method).options(name=f"{self._name}.{method}")


def _is_a_bug(exception: Exception) -> TypeGuard[RayTaskError]:
    return isinstance(exception, RayTaskError) and not isinstance(exception.cause, ProcessDiedError)


def _out_of_memory(exception: Exception) -> bool:
    return isinstance(exception, OutOfMemoryError) or isinstance(exception.__cause__, OutOfMemoryError)


def _first_line(cause: BaseException) -> str:
    text = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {text[0]}" if text else type(cause).__name__
