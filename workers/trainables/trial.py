"""The process of a trial: an architecture measured at a fidelity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray.tune import PlacementGroupFactory

from nas.results.measurement import Measurement
from nas.specs import Resources
from workers.trainables.measure import PredictionSlot, evaluate_task, measured
from workers.trainables.message import Message
from workers.trainables.process import Process
from workers.trainables.task import TrialTask


class TrialProcess(Process):
    """A process that sends a measurement for each rung of its trial."""

    _slot: PredictionSlot

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """What a trial takes; next to nothing, on the head node, where others do its work.

        Ray Train reserves what these take: if Tune did so as well, each would wait for the other.
        """
        if config["task"].resources.workers > 1:
            return PlacementGroupFactory([{HEAD_NODE_RESOURCE_NAME: 0.001}])
        return super().default_resource_request(config)

    @classmethod
    def processes(cls, resources: Resources) -> int:
        """Return the number of processes that train the trial's network together."""
        return resources.workers

    def messages(self, task: TrialTask) -> Iterator[Message[Measurement]]:
        """Measure the task's architecture, here or in a group of processes."""
        if task.resources.workers > 1:
            from workers.trainables.group import train_together  # Ray Train: only where it is used

            yield from train_together(task)
        else:
            self._slot = PredictionSlot()
            for measurement in self.evaluate(task):
                yield measured(task, measurement, self._slot)

    def evaluate(self, task: TrialTask) -> Iterator[Measurement]:
        """Measure the task's architecture in this process; a subclass may measure something else."""
        return evaluate_task(task, None if task.resources.gpus else "cpu", self._slot)
