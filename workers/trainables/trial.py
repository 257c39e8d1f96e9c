"""The process of a trial: an architecture measured at a fidelity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray.tune import PlacementGroupFactory

from nas.results.measurement import Measurement
from workers.trainables.process import Outcome, Process
from workers.trainables.task import TrialTask


class TrialProcess(Process):
    """Yields a measurement for each rung."""

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """What a trial takes; next to nothing, on the head node, where others do its work.

        Ray Train reserves what these take: if Tune did so as well, each would wait for the other.
        """
        if config["task"].resources.workers > 1:
            return PlacementGroupFactory([{HEAD_NODE_RESOURCE_NAME: 0.001}])
        return super().default_resource_request(config)

    def outcomes(self, task: TrialTask) -> Iterator[Outcome]:
        """The measurements; the last is that of the last rung."""
        for measurement in self.evaluate(task):
            yield Outcome(measurement.model_dump_json(), measurement.iteration == task.fidelity.iterations)

    def evaluate(self, task: TrialTask) -> Iterator[Measurement]:
        """The measurements of the task's architecture; a subclass may measure something else."""
        resources = task.resources
        if resources.workers > 1:
            from workers.trainables.group import train_together  # Ray Train: only where it is used

            return train_together(task)
        from nas.training.evaluate import evaluate  # torch: only in the process that trains

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
