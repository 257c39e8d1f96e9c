"""The process of a run: one seed of a differentiable search."""

from __future__ import annotations

from collections.abc import Iterator

from nas.results.snapshot import Snapshot
from workers.trainables.process import Outcome, Process, Progress, share_of
from workers.trainables.task import RunTask


class RunProcess(Process):
    """Yields a snapshot for each epoch."""

    def outcomes(self, task: RunTask) -> Iterator[Outcome | Progress]:
        """The snapshots; those that an earlier process made come first."""
        for told in self.search(task):
            if isinstance(told, Snapshot):
                yield Outcome(told.model_dump_json(), told.finished)
            else:
                yield Progress(*told)

    def search(self, task: RunTask) -> Iterator[Snapshot | tuple[int, int]]:
        """The snapshots of the task's run, (steps done, of all) in between; a subclass may search something else."""
        from nas.training.bilevel import search_with_progress  # torch: only in the process that trains
        from nas.training.loop.device import thread_count

        share = share_of(task.resources)
        with thread_count(max(1, int(share["CPU"]))):
            yield from search_with_progress(
                task.spec,
                task.seed,
                workspace=task.workspace,
                device=None if "GPU" in share else "cpu",
                checkpoint=task.folder / "checkpoint.pt",
                devices=share.get("GPU", 1.0),
            )
