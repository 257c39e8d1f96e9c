"""The process of a trial: an architecture measured at a fidelity."""

from __future__ import annotations

from collections.abc import Iterator

from nas.measurement import Measurement
from workers.process import Outcome, Process
from workers.trial_task import TrialTask


class TrialProcess(Process):
    """Yields a measurement for each rung."""

    def outcomes(self, task: TrialTask) -> Iterator[Outcome]:
        """The measurements; the last is that of the last rung."""
        for measurement in self.evaluate(task):
            yield Outcome(measurement.model_dump_json(), measurement.iteration == task.fidelity.iterations)

    def evaluate(self, task: TrialTask) -> Iterator[Measurement]:
        """The measurements of the task's architecture; a subclass may measure something else."""
        from nas.training.evaluate import evaluate  # torch: only in the process that trains

        resources = task.resources
        return evaluate(
            task.architecture,
            task.fidelity,
            task.seed,
            workspace=task.workspace,
            device=None if resources.gpus else "cpu",
            checkpoint=task.folder / "checkpoint.pt",
            threads=max(1, int(resources.cpus)),
            devices=resources.gpus or 1.0,
        )
