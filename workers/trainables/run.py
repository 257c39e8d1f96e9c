"""The process of a run: one seed of a differentiable search."""

from __future__ import annotations

from collections.abc import Iterator

from nas.results.snapshot import Snapshot
from workers.trainables.message import Measured, Message, Progress
from workers.trainables.process import Process, share_of, threads_of
from workers.trainables.task import RunTask


class RunProcess(Process):
    """A process that sends a snapshot for each epoch, and its progress in between."""

    def messages(self, task: RunTask) -> Iterator[Message[Snapshot]]:
        """Run the task's search; snapshots that an earlier process made come first."""
        for reported in self.search(task):
            if isinstance(reported, Snapshot):
                yield Measured(attempt=task.attempt, result=reported, last=reported.finished)
            else:
                done, total = reported
                yield Progress(attempt=task.attempt, done=done, total=total)

    def search(self, task: RunTask) -> Iterator[Snapshot | tuple[int, int]]:
        """Search in this process; a subclass may search something else.

        Returns:
            The snapshots of the task's run, with (steps done, steps in all) in between.
        """
        from nas.training.bilevel import search_with_progress  # torch: only in the process that trains
        from nas.training.loop.device import thread_count

        share = share_of(task.resources)
        with thread_count(threads_of(task.resources)):
            yield from search_with_progress(
                task.spec,
                task.seed,
                workspace=task.workspace,
                device=None if "GPU" in share else "cpu",
                checkpoint=task.checkpoint,
                devices=share.get("GPU", 1.0),
            )
