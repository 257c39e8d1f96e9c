"""The process of a run: one seed of a differentiable search."""

from __future__ import annotations

from collections.abc import Iterator

from nas.snapshot import Snapshot
from workers.process import Outcome, Process
from workers.trial_task import RunTask


class RunProcess(Process):
    """Yields a snapshot for each epoch."""

    def outcomes(self, task: RunTask) -> Iterator[Outcome]:
        """The snapshots; those that an earlier process made come first."""
        for snapshot in self.search(task):
            yield Outcome(snapshot.model_dump_json(), snapshot.finished)

    def search(self, task: RunTask) -> Iterator[Snapshot]:
        """The snapshots of the task's run; a subclass may search something else."""
        from nas.training.bilevel import search  # torch: only in the process that trains
        from nas.training.device import thread_count

        resources = task.resources
        with thread_count(max(1, int(resources.cpus))):
            yield from search(
                task.spec,
                task.seed,
                workspace=task.workspace,
                device=None if resources.gpus else "cpu",
                checkpoint=task.folder / "checkpoint.pt",
            )
